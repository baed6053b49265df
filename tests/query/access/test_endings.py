"""An ended session stays ended: after a flush of Redis too (security faults S11, S18; ASVS 7.4.1, 7.4.5)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from config import audit
from config.db.engine import reading
from config.ground import Ground
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from query.access.door import Door
from query.access.endings import ALL_KNOWN, note_departure, session_name
from query.access.errors import LimiterUnavailable, SessionInvalid
from query.access.sessions import end_session, open_session, read_session
from query.access.tickets import Ticket, build_ticket
from query.commands.session import session_commands
from query.intake.submit import submit
from query.models import session_end
from query.upkeep.retention import erase
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import codes_owed
from tests.query.partner_stub import form
from tests.support.doors import citizen_of

pytestmark = on_sqlite
HOUR = 3_600_000
ADDRESS, PHONE = "198.51.100.7", "13800138000"


def ticket_of(ground: Ground, openid: str = "oSomebody") -> str:
    return build_ticket(ground.keys, Ticket("gxwbwx", openid, ground.clock.now()))


def run(ground: Ground, *words: str) -> Result:
    return CliRunner().invoke(session_commands, list(words), obj=ground)


@pytest.mark.parametrize("viewing", [False, True])
def test_a_logout_outlives_a_flush(ground: Ground, viewing: bool) -> None:
    token, _, session = open_session(ground, "web")
    end_session(ground, session)
    ground.redis.flushall()
    with pytest.raises(SessionInvalid):
        read_session(ground, token, viewing=viewing)


def test_a_departure_outlives_a_flush(ground: Ground, clock: FixedClock) -> None:
    token, _, _ = open_session(ground, "gxwbwx", ticket_of(ground))
    clock.advance(1000)
    note_departure(ground, "gxwbwx", "oSomebody", clock.now())
    ground.redis.flushall()
    with pytest.raises(SessionInvalid):
        read_session(ground, token)


def test_an_ended_session_spends_nothing_after_a_flush(ground: Ground, door: Door) -> None:
    """The doors find out with the budgets whether a session was ended: this way must know of a flush, too."""
    opened = door.open_session("web", None, ADDRESS)
    door.end_session(opened.session)
    ground.redis.flushall()
    with pytest.raises(SessionInvalid):
        door.request_code(opened.session, "internet-accounts", PHONE, ADDRESS)
    assert ground.redis.exists(ALL_KNOWN)
    door.request_code(citizen_of(ground, "oOther"), "internet-accounts", PHONE, ADDRESS)
    assert len(codes_owed(ground)) == 1


def test_a_newer_ending_is_not_overwritten_by_what_the_database_knew(ground: Ground, clock: FixedClock) -> None:
    note_departure(ground, "gxwbwx", "oSomebody", clock.now())
    (name,) = ground.redis.keys("left:*")
    ground.redis.set(name, clock.now() + 5, px=HOUR)
    ground.redis.delete(ALL_KNOWN)
    read_session(ground, open_session(ground, "web")[0])
    assert int(ground.redis.get(name) or 0) == clock.now() + 5


def test_endings_are_kept_as_long_as_a_token_and_no_longer(ground: Ground, clock: FixedClock) -> None:
    end_session(ground, open_session(ground, "web")[2])
    clock.advance(48 * HOUR)
    erase(ground)
    with reading(ground.engine) as db:
        assert db.execute(select(session_end)).first()
    clock.advance(HOUR)
    erase(ground)
    with reading(ground.engine) as db:
        assert not db.execute(select(session_end)).first()


def test_no_openid_and_no_session_stands_in_the_table(ground: Ground, clock: FixedClock) -> None:
    session = citizen_of(ground, "oCanaryOpenId")
    end_session(ground, session)
    note_departure(ground, "gxwbwx", "oCanaryOpenId", clock.now())
    with reading(ground.engine) as db:
        names = " ".join(db.execute(select(session_end.c.name)).scalars())
    for told in ("oCanaryOpenId", session.sid.hex(), session.owner.hex(), "gxwbwx"):
        assert told not in names


def test_without_redis_nothing_is_said_to_be_ended(ground: Ground) -> None:
    session = open_session(ground, "web")[2]
    with pytest.raises(LimiterUnavailable):
        end_session(replace(ground, redis=make_redis("redis://127.0.0.1:1")), session)


def test_the_operator_ends_the_session_that_the_log_names(ground: Ground) -> None:
    token, _, session = open_session(ground, "web")
    name = session_name(ground.keys, session.owner)
    assert run(ground, "end", "--session", name, "--dry-run").output == f"would end session {name}\n"
    read_session(ground, token)
    assert run(ground, "end", "--session", name, "--yes").exit_code == 0
    with pytest.raises(SessionInvalid):
        read_session(ground, token)
    with reading(ground.engine) as db:
        assert [(entry.action, entry.subject) for entry in audit.listing(db, 1)] == [("session.end", name)]


def test_the_operator_ends_the_session_of_an_inquiry(ground: Ground, door: Door) -> None:
    opened = door.open_session("web", None, ADDRESS)
    door.request_code(opened.session, "internet-accounts", PHONE, ADDRESS)
    accepted = submit(ground, form(PHONE, opened.session.owner, codes_owed(ground)[-1]))
    assert run(ground, "end", "--inquiry", accepted.reference, "--yes").exit_code == 0
    with pytest.raises(SessionInvalid):
        read_session(ground, opened.token, viewing=True)


def test_the_operator_ends_all_sessions_of_an_entrance_and_no_later_one(ground: Ground, clock: FixedClock) -> None:
    web, _, _ = open_session(ground, "web")
    token, _, _ = open_session(ground, "gxwbwx", ticket_of(ground))
    assert run(ground, "end", "--entrance", "gxwbwx", "--yes").exit_code == 0
    ground.redis.flushall()
    with pytest.raises(SessionInvalid):
        read_session(ground, token)
    read_session(ground, web)
    clock.advance(1)
    read_session(ground, open_session(ground, "gxwbwx", ticket_of(ground))[0])


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 2),
        (("--session", "0" * 32, "--entrance", "web"), 2),
        (("--session", "x"), 1),
        (("--entrance", "nowhere"), 1),
        (("--inquiry", "100000000000"), 1),
        (("--inquiry", "-- 1"), 1),
    ],
)
def test_what_there_is_not_cannot_be_ended(ground: Ground, words: tuple[str, ...], status: int) -> None:
    assert run(ground, "end", *words, "--yes").exit_code == status


def test_a_numbers_codes_of_the_day_are_counted_after_a_flush(ground: Ground, door: Door, clock: FixedClock) -> None:
    """security fault S11: FLUSHALL gave back every SMS budget."""
    allowed = ground.catalogues.current().limits.codes_per_phone_day
    for number in range(allowed + 3):
        door.request_code(citizen_of(ground, f"o{number}"), "internet-accounts", PHONE, ADDRESS)
        ground.redis.flushall()
        clock.advance(120_000)
    assert len(codes_owed(ground)) == allowed
