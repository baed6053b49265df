"""Notices that are claimed, and what the platform reports of them, by person and by a number of its own."""

from __future__ import annotations

from sqlalchemy import update

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from query.models import notice
from query.notices import NoticeState, claim_notice, owe_notice, record_report, settle_notice
from tests.query.partner_stub import rows

ENTRANCE, OPENID = "gxwbwx", "o-somebody"


def send(ground: Ground, reference: str) -> None:
    """A notice that was sent."""
    owe_notice(ground, entrance=ENTRANCE, openid=OPENID, reference=reference)
    assert claim_notice(ground, ENTRANCE) is not None
    settle_notice(ground, reference, sent=True, word="ok")


def test_a_report_that_comes_twice_counts_once_however_long_its_number(ground: Ground, clock: FixedClock) -> None:
    for reference in ("100000000001", "100000000002"):
        send(ground, reference)
        clock.advance(1)
    for _ in range(2):
        assert record_report(ground, entrance=ENTRANCE, openid=OPENID, report="7" * 40, word="failed")
    assert [(row.reference, row.word) for row in rows(ground, notice)] == [
        (100000000001, "ok"),
        (100000000002, "failed"),
    ]


def test_a_notice_whose_person_cannot_be_read_is_given_up_and_the_next_one_taken(
    ground: Ground, clock: FixedClock
) -> None:
    for reference in ("100000000001", "100000000002"):
        owe_notice(ground, entrance=ENTRANCE, openid=OPENID, reference=reference)
        clock.advance(1)
    with begin(ground.engine) as db:
        db.execute(update(notice).where(notice.c.reference == 100000000001).values(openid=b"sealed by nobody"))
    claimed = claim_notice(ground, ENTRANCE)
    assert claimed is not None and (claimed.reference, claimed.openid) == ("100000000002", OPENID)
    assert [(row.state, row.word) for row in rows(ground, notice)] == [
        (NoticeState.FAILED, "unreadable"),
        (NoticeState.SENDING, None),
    ]
    assert claim_notice(ground, ENTRANCE) is None
