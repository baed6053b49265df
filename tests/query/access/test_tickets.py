"""Tickets: sealed, bound to their purpose, good for 30 minutes."""

from __future__ import annotations

import base64

import pytest

from config.ground import Ground
from query.access.tickets import TICKET_LIFETIME_MS, Ticket, TicketInvalid, build_ticket, parse_ticket
from tests.support.factories import LAUNCH_DAY

TICKET = Ticket(entrance="gxwbwx", openid="oCanaryOpenId-42", issued_at=LAUNCH_DAY)


def test_a_ticket_comes_back_as_it_was(ground: Ground) -> None:
    assert parse_ticket(ground.keys, build_ticket(ground.keys, TICKET), LAUNCH_DAY) == TICKET


def test_a_ticket_fits_a_link_and_hides_the_openid(ground: Ground) -> None:
    text = build_ticket(ground.keys, TICKET)
    assert len(text) < 200
    assert text.replace("-", "").replace("_", "").isalnum()
    assert b"oCanaryOpenId" not in base64.urlsafe_b64decode(text + "==")
    assert "oCanaryOpenId" not in repr(TICKET)


def test_a_ticket_is_good_for_thirty_minutes_and_not_a_moment_longer(ground: Ground) -> None:
    text = build_ticket(ground.keys, TICKET)
    parse_ticket(ground.keys, text, LAUNCH_DAY + TICKET_LIFETIME_MS - 1)
    with pytest.raises(TicketInvalid):
        parse_ticket(ground.keys, text, LAUNCH_DAY + TICKET_LIFETIME_MS)


def test_a_ticket_from_the_future_is_refused_beyond_the_clocks_slack(ground: Ground) -> None:
    text = build_ticket(ground.keys, TICKET)
    parse_ticket(ground.keys, text, LAUNCH_DAY - 60_000)
    with pytest.raises(TicketInvalid):
        parse_ticket(ground.keys, text, LAUNCH_DAY - 60_001)


@pytest.mark.parametrize("text", ["", "x", "a" * 80, "中文", "=" * 40, "-" * 2000, "\x00", "%2e%2e"])
def test_what_is_not_ours_is_refused(ground: Ground, text: str) -> None:
    with pytest.raises(TicketInvalid):
        parse_ticket(ground.keys, text, LAUNCH_DAY)


def test_a_ticket_with_any_character_changed_is_refused(ground: Ground) -> None:
    text = build_ticket(ground.keys, TICKET)
    for place in range(len(text) - 1):  # the last character's spare bits carry nothing
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(TicketInvalid):
            parse_ticket(ground.keys, changed, LAUNCH_DAY)


def test_a_token_for_another_purpose_is_no_ticket(ground: Ground) -> None:
    with pytest.raises(TicketInvalid):
        parse_ticket(ground.keys, ground.keys.seal_token("session", b'["gxwbwx","o",0]'), LAUNCH_DAY)


def test_on_one_occasion_a_ticket_is_the_same_and_on_another_it_is_not(ground: Ground) -> None:
    tries = {build_ticket(ground.keys, TICKET, b"one tap") for _ in range(3)}
    assert len(tries) == 1
    assert build_ticket(ground.keys, TICKET, b"another tap") not in tries
    assert build_ticket(ground.keys, TICKET) != build_ticket(ground.keys, TICKET)
    assert parse_ticket(ground.keys, tries.pop(), LAUNCH_DAY) == TICKET
