"""Attacks leave tracks: who was let in, who was refused and by which limit (S7; ASVS 16.2.1, 16.3.1-3)."""

from __future__ import annotations

import json

import pytest

from config.ground import Ground
from config.telemetry import metrics, security_events
from config.telemetry.security_events import LINES_PER_S, _Lines, record
from query.access.door import Door
from query.access.endings import session_name
from query.access.errors import LimitReached, SessionInvalid
from query.errors import NotFound
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import set_limit
from tests.support.doors import make_door

PHONE, ADDRESS = "13800138000", "198.51.100.7"


@pytest.fixture(autouse=True)
def nothing_written_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security_events, "_lines", _Lines())


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    return [line for line in written if line["logger"] == "security"]


def counted(**labels: str) -> float:
    return (
        metrics.numbers().get_sample_value("onecert_security_events_total", {"limit": "", "entrance": "web", **labels})
        or 0
    )


@on_sqlite
def test_a_flood_of_codes_leaves_lines_and_a_count(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    """20,100 code requests from one address left none."""
    door: Door = make_door(ground)
    set_limit(ground, "codes_per_address_hour_web", 3)
    before = counted(event="code_request", outcome="limit_reached", limit="codes_per_address_hour")
    session = door.open_session("web", None, ADDRESS).session
    for number in range(8):
        try:
            door.request_code(
                door.open_session("web", None, ADDRESS).session, "internet-accounts", f"1390013800{number}", ADDRESS
            )
        except LimitReached:
            continue
    door.end_session(session)
    written = lines(capsys)
    refused = [line for line in written if line.get("outcome") == "limit_reached"]
    assert [line["limit"] for line in refused] == ["codes_per_address_hour"]
    assert counted(event="code_request", outcome="limit_reached", limit="codes_per_address_hour") == before + 5
    told = {(line["event"], line["outcome"]) for line in written}
    assert {("session_open", "ok"), ("code_request", "ok"), ("session_end", "ok")} <= told
    (ended,) = [line for line in written if line["event"] == "session_end"]
    assert ended["session"] == session_name(ground.keys, session.owner)
    assert {len(line["address"]) for line in refused} == {32}
    text = json.dumps(written)
    for secret in (PHONE, "13900138000", ADDRESS, session.owner.hex(), session.sid.hex()):
        assert secret not in text


@on_sqlite
def test_a_token_that_does_not_open_and_a_strangers_inquiry_leave_a_line(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    """ASVS 16.3.2: 401 and 404 of the API left none."""
    door = make_door(ground)
    session = door.open_session("web", None, ADDRESS).session
    with pytest.raises(SessionInvalid):
        door.read_session("forged")
    with pytest.raises(NotFound):
        door.progress(session, "482719356041")
    with pytest.raises(SessionInvalid):
        door.read_session("")  # a first visit, and no attempt
    told = [(line["event"], line["outcome"]) for line in lines(capsys)]
    assert told[1:] == [("session_refused", "session_invalid"), ("progress_refused", "not_found")]


@on_sqlite
def test_the_lines_of_one_address_can_be_found_together(ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    for event, address in (("a", "1"), ("b", "1"), ("c", "2")):
        record(ground.keys, event, address=address)
    first, second, third = lines(capsys)
    assert first["address"] == second["address"] != third["address"]


def test_alike_events_are_one_line_in_ten_seconds_and_none_is_lost() -> None:
    written = _Lines()
    kind = ("code_request", "limit_reached")
    assert [written.admit(kind, 100.0 + second) for second in (0, 1, 2, 9.9)] == [1, 0, 0, 0]
    assert written.admit(kind, 111.0) == 4


def test_a_flood_of_unlike_events_does_not_fill_the_disk() -> None:
    written = _Lines()
    admitted = [written.admit(("event", str(number)), 105.0) for number in range(20_000)]
    assert sum(admitted) == LINES_PER_S
    assert written.admit(("event", "after"), 106.0) == 1


def test_keys_that_cannot_be_read_hide_no_event(capsys: pytest.CaptureFixture[str]) -> None:
    class Away:
        def mac(self, purpose: str, *parts: bytes | str | int) -> bytes:
            raise OSError

    record(Away(), "code_request", outcome="limit_reached", address="a", phone=PHONE)
    (line,) = lines(capsys)
    assert (line["event"], line["outcome"], "phone" in line) == ("code_request", "limit_reached", False)
