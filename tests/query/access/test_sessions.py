"""Sessions: sealed tokens that renew while used, end when idle, and keep a view on one's own inquiry."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from config.errors import RedisUnavailable
from config.ground import Ground
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from query.access.endings import note_departure
from query.access.errors import EntranceUnknown, LimiterUnavailable, SessionInvalid
from query.access.sessions import end_session, open_session, read_session
from query.access.tickets import Ticket, TicketInvalid, build_ticket
from tests.support.factories import LAUNCH_DAY

MINUTE = 60_000
HOUR = 60 * MINUTE


def ticket_of(ground: Ground, entrance: str = "gxwbwx", openid: str = "oCanaryOpenId") -> str:
    return build_ticket(ground.keys, Ticket(entrance, openid, LAUNCH_DAY))


def test_the_web_entrance_lets_anyone_in(ground: Ground) -> None:
    token, expires_in, session = open_session(ground, "web")
    assert (expires_in, session.entrance, session.openid) == (1800, "web", None)
    again = read_session(ground, token)
    assert (again.sid, again.owner, again.fresh_token) == (session.sid, session.owner, None)
    assert len(session.owner) == 32


def test_a_ticket_opens_a_session_of_its_own_account(ground: Ground) -> None:
    token, _, session = open_session(ground, "gxwbwx", ticket_of(ground))
    assert (session.entrance, session.openid) == ("gxwbwx", "oCanaryOpenId")
    assert read_session(ground, token).openid == "oCanaryOpenId"


def test_two_sessions_are_never_the_same_owner(ground: Ground) -> None:
    ticket = ticket_of(ground)
    owners = {open_session(ground, "gxwbwx", ticket)[2].owner for _ in range(10)}
    assert len(owners) == 10


def test_a_new_session_of_the_same_openid_is_the_same_person_to_the_limits(ground: Ground) -> None:
    first, second = (open_session(ground, "gxwbwx", ticket_of(ground))[2] for _ in range(2))
    assert first.person == second.person
    assert open_session(ground, "web")[2].person != open_session(ground, "web")[2].person


def test_an_account_takes_no_other_accounts_ticket(ground: Ground) -> None:
    with pytest.raises(TicketInvalid):
        open_session(ground, "caict", ticket_of(ground, "gxwbwx"))


def test_an_entrance_is_opened_with_what_it_asks_for_and_nothing_else(ground: Ground) -> None:
    ticket = ticket_of(ground)
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("gxwbwx", {}),
        ("gxwbwx", {"code": "c"}),
        ("web", {"ticket": ticket}),
        ("nowhere", {}),
    ]
    for entrance, brought in attempts:
        with pytest.raises(EntranceUnknown):
            open_session(ground, entrance, **brought)
    with pytest.raises(EntranceUnknown):
        open_session(ground, "gxwbwx", ticket, code="c")


def test_a_session_that_logged_out_opens_nothing_and_another_one_stays(ground: Ground, clock: FixedClock) -> None:
    token, _, session = open_session(ground, "web")
    other, _, _ = open_session(ground, "web")
    clock.advance(MINUTE)
    fresh = read_session(ground, token).fresh_token
    end_session(ground, session)
    for ended in (token, fresh):
        for viewing in (False, True):
            with pytest.raises(SessionInvalid):
                read_session(ground, ended or "", viewing=viewing)
    read_session(ground, other)


def test_who_leaves_an_entrance_has_no_session_and_no_link_there(ground: Ground, clock: FixedClock) -> None:
    token, _, _ = open_session(ground, "gxwbwx", ticket_of(ground))
    others = [
        open_session(ground, "gxwbwx", ticket_of(ground, openid="oSomebodyElse"))[0],
        open_session(ground, "caict", ticket_of(ground, "caict"))[0],
    ]
    clock.advance(MINUTE)
    note_departure(ground, "gxwbwx", "oCanaryOpenId", clock.now())
    with pytest.raises(SessionInvalid):
        read_session(ground, token)
    with pytest.raises(TicketInvalid):
        open_session(ground, "gxwbwx", ticket_of(ground))
    read_session(ground, token, viewing=True)
    for other in others:
        read_session(ground, other)


def test_who_comes_back_to_an_entrance_has_a_session_again(ground: Ground, clock: FixedClock) -> None:
    note_departure(ground, "gxwbwx", "oCanaryOpenId", clock.now() - 1)
    token, _, _ = open_session(ground, "gxwbwx", ticket_of(ground))
    assert read_session(ground, token).openid == "oCanaryOpenId"


def test_without_redis_nobody_knows_who_left(ground: Ground) -> None:
    away = replace(ground, redis=make_redis("redis://127.0.0.1:1/0"))
    with pytest.raises(RedisUnavailable):
        note_departure(away, "gxwbwx", "oCanaryOpenId", LAUNCH_DAY)
    with pytest.raises(RedisUnavailable):
        open_session(away, "gxwbwx", ticket_of(ground))


def test_without_redis_one_can_look_at_ones_inquiry_and_do_nothing_else(ground: Ground) -> None:
    token, _, session = open_session(ground, "web")
    away = replace(ground, redis=make_redis("redis://127.0.0.1:1"))
    assert read_session(away, token, viewing=True).owner == session.owner
    with pytest.raises(LimiterUnavailable):
        read_session(away, token)
    with pytest.raises(LimiterUnavailable):
        end_session(away, session)


def test_a_session_ends_after_thirty_idle_minutes(ground: Ground, clock: FixedClock) -> None:
    token, _, _ = open_session(ground, "web")
    clock.advance(30 * MINUTE - 1)
    read_session(ground, token)
    clock.advance(1)
    with pytest.raises(SessionInvalid):
        read_session(ground, token)


def test_a_session_in_use_is_renewed_at_most_once_a_minute(ground: Ground, clock: FixedClock) -> None:
    token, _, session = open_session(ground, "web")
    clock.advance(MINUTE - 1)
    assert read_session(ground, token).fresh_token is None
    clock.advance(1)
    fresh = read_session(ground, token).fresh_token
    assert fresh is not None and fresh != token
    clock.advance(29 * MINUTE + 30_000)
    assert read_session(ground, fresh).owner == session.owner
    with pytest.raises(SessionInvalid):
        read_session(ground, token)


def test_no_use_keeps_a_session_longer_than_twelve_hours(ground: Ground, clock: FixedClock) -> None:
    token, _, _ = open_session(ground, "web")
    for _ in range(36):
        token = read_session(ground, token).fresh_token or token
        clock.advance(20 * MINUTE - 1)
    assert 0 <= read_session(ground, token).expires_in <= 1
    clock.advance(36)
    with pytest.raises(SessionInvalid):
        read_session(ground, token)


def test_an_ended_session_still_looks_at_its_inquiry_for_two_days_and_gets_no_fresh_token(
    ground: Ground, clock: FixedClock
) -> None:
    token, _, session = open_session(ground, "web")
    clock.advance(48 * HOUR + 30 * MINUTE)
    seen = read_session(ground, token, viewing=True)
    assert (seen.owner, seen.fresh_token, seen.expires_in) == (session.owner, None, 0)
    clock.advance(HOUR)
    with pytest.raises(SessionInvalid):
        read_session(ground, token, viewing=True)


def test_what_is_not_a_token_of_ours_opens_nothing(ground: Ground) -> None:
    token, _, _ = open_session(ground, "web")
    for text in ("", "x", token[:-2], token + "AA", "B" + token[1:], ticket_of(ground), "中文", "a" * 3000):
        for viewing in (False, True):
            with pytest.raises(SessionInvalid):
                read_session(ground, text, viewing=viewing)


def test_nothing_personal_can_be_read_from_a_token_or_a_session(ground: Ground) -> None:
    token, _, session = open_session(ground, "gxwbwx", ticket_of(ground))
    assert b"oCanaryOpenId" not in base64.urlsafe_b64decode(token + "===")
    assert "oCanaryOpenId" not in repr(session)


def test_a_session_outlives_an_emptied_redis(ground: Ground) -> None:
    token, _, _ = open_session(ground, "web")
    ground.redis.flushall()
    read_session(ground, token)
