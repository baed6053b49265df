"""Writes that an event causes before it is acknowledged: erasure and reports of notices. No outgoing calls.

If the database or Redis is away, this raises: WeChat gets no acknowledgement and sends the event again.
"""

from __future__ import annotations

from config.ground import Ground
from config.telemetry.log import get_logger
from query.access.endings import note_departure
from query.notices import forget_person, record_report
from wechat.webhook.message import PERSONAL_EVENTS, Push, answer_time

LEAVING = "unsubscribe"

log = get_logger(__name__)


def note_event(ground: Ground, account: str, push: Push) -> None:
    """Erase what is bound to someone who left or took the consent back; record what became of notices."""
    if push.event == LEAVING or push.event in PERSONAL_EVENTS:
        for openid in {push.sender, push.about or push.sender}:
            erased = forget_person(ground, entrance=account, openid=openid)
            note_departure(ground, account, openid, _left_at(ground, push))
            log.info("person_forgotten", account=account, wechat_event=push.event, erased=erased)
    for report in push.reports:
        known = record_report(ground, entrance=account, openid=push.sender, report=report.number, word=report.word)
        log.info("notice_reported", account=account, word=report.word, known=known)


def _left_at(ground: Ground, push: Push) -> int:
    """Return WeChat's time of the event (epoch ms); links are dated by it too, so later ones stay valid."""
    now = ground.clock.now()
    return min(now, answer_time(push, now) or now)
