"""After a kill nobody waits without need (row 18, F01): what never left is due at once, and is sent without a flag."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import Owed, sweep
from sms_port.models import Lane, State
from sms_port.sending.claims import Claimed, claim, return_never_sent
from sms_port.sending.gateway import MARKS_FILE, Gateway, send_due
from sms_port.sending.routing import Cooldown, routes_for
from sms_port.sending.sent_marks import SLOTS, SentMarks, read_never_sent
from tests.sms_port.cmpp_peers import Peer
from tests.sms_port.messages import News, Sandbox, make_reply, owe_all, state_of


def claim_all(ground: Ground, news: News, *owed: Owed) -> list[Claimed]:
    owe_all(ground, *owed)
    return claim_again(ground, news)


def claim_again(ground: Ground, news: News) -> list[Claimed]:
    routes = routes_for(ground.catalogues.current(), Lane.REPLY, Cooldown(), ground.clock.now())
    return claim(ground, news, Lane.REPLY, routes, 500)


def kill_one(path: Path, *references: str) -> None:
    """A process that marks every second reference as sent and is gone."""
    child = os.fork()
    if child == 0:
        try:
            marks = SentMarks(path)
            marks.claim((reference, 1) for reference in references)
            for reference in references[::2]:
                marks.mark_sent(reference)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def test_what_a_killed_process_never_sent_is_due_at_once(ground: Ground, news: News, tmp_path: Path) -> None:
    ours = [make_reply(f"138{n:08d}") for n in range(6)]
    claims = claim_all(ground, news, *ours)
    references = [claimed.attempt.reference for claimed in claims]
    kill_one(tmp_path / "marks", *references)
    left = read_never_sent(tmp_path / "marks")
    assert {number for _, number in left} == {1}
    assert return_never_sent(ground, left) == 3
    never = {claimed.attempt.message_id for claimed in claims[1::2]}
    assert {owed.id for owed in ours if state_of(ground, owed) is State.DUE} == never
    assert return_never_sent(ground, left) == 0, "once"


def test_what_was_never_sent_is_due_at_once_also_when_the_gateway_was_away_for_longer(
    ground: Ground, news: News, clock: FixedClock, tmp_path: Path
) -> None:
    """The sweep has put all of it in doubt meanwhile: half an hour's wait and a flag for what never left."""
    ours = [make_reply(f"138{n:08d}") for n in range(4)]
    claims = claim_all(ground, news, *ours)
    kill_one(tmp_path / "marks", *(claimed.attempt.reference for claimed in claims))
    clock.advance(claims[0].until - clock.now())
    sweep(ground, news)
    assert {state_of(ground, owed) for owed in ours} == {State.UNKNOWN}
    assert return_never_sent(ground, read_never_sent(tmp_path / "marks")) == 2
    never = {claimed.attempt.message_id for claimed in claims[1::2]}
    assert {owed.id for owed in ours if state_of(ground, owed) is State.DUE} == never
    assert len(claim_again(ground, news)) == 2


def test_a_message_that_moved_on_stays_where_it_is(
    ground: Ground, news: News, clock: FixedClock, tmp_path: Path
) -> None:
    owed = make_reply()
    (claimed,) = claim_all(ground, news, owed)
    assert return_never_sent(ground, [(claimed.attempt.message_id, 2)]) == 0
    assert state_of(ground, owed) is State.SENDING


def test_the_marks_of_a_living_process_are_not_believed(tmp_path: Path) -> None:
    marks = SentMarks(tmp_path / "marks")
    marks.claim([(f"{'0' * 32}-1", 1)])
    assert read_never_sent(tmp_path / "marks") == []
    marks.close()


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\0" * 200_000])
def test_a_file_of_another_kind_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "marks").write_bytes(content)
    assert read_never_sent(tmp_path / "marks") == []
    assert read_never_sent(tmp_path / "nowhere") == []


def test_marks_that_are_released_make_room(tmp_path: Path) -> None:
    marks = SentMarks(tmp_path / "marks")
    for turn in range(3):
        references = [f"{turn:02x}{n:030x}-1" for n in range(SLOTS)]
        marks.claim((reference, 1) for reference in references)
        marks.mark_sent(references[0])
        marks.release(references)
    assert len(marks._free) == SLOTS
    marks.close()


def test_a_link_that_does_not_tell_when_it_sends_is_not_marked(
    ground: Ground, sandbox: Sandbox, news: News, tmp_path: Path
) -> None:
    marks = SentMarks(tmp_path / MARKS_FILE)
    gateway = Gateway(ground, news, marks=marks)
    owe_all(ground, make_reply())
    marks.release = lambda references: None  # type: ignore[method-assign]
    gateway.send(Lane.REPLY)
    gateway.pool.close()
    assert marks._slots == {}


def test_a_message_is_marked_before_it_leaves(ground: Ground, peer: Peer, news: News, tmp_path: Path) -> None:
    marks = SentMarks(tmp_path / MARKS_FILE)
    sent: list[str] = []
    marks.mark_sent = sent.append  # type: ignore[assignment, method-assign]
    gateway = Gateway(ground, news, marks=marks)
    gateway.pool.wait_ready(60)
    owe_all(ground, make_reply())
    gateway.send(Lane.REPLY)
    gateway.pool.close()
    assert len(sent) == len(peer.parts) == 1
    assert send_due(ground, news) == 0
