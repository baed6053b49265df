"""The subscription notice 受理成功 after an acceptance: the reference and no word more, if the account has the right.

The door calls `owe` after the commit, a worker runs `notify`. Nothing here can fail an acceptance, and nothing is sent
twice: WeChat is called once for each notice, unless the call certainly did not leave or the platform did nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from redis import RedisError

from config.catalogue.schema import Entrance, Notice
from config.errors import OneCertError
from config.ground import Ground
from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_errcodes import Course
from config.telemetry.log import get_logger
from query.notices import OwedNotice, claim_notice, owe_notice, return_notice, settle_notice
from wechat.platform.client import Platform

STATUS: Final = "受理成功"
TURN_S: Final = 2.0
"""A worker has more to do than this: after so long the rest is left for the next ring."""
LOCK: Final = "wechat:notifying"
LOCK_S: Final = 30

log = get_logger(__name__)


def owe(ground: Ground, entrance: str, openid: str | None, reference: str) -> None:
    """An inquiry was accepted: owe a notice, if the entrance sends any and knows the person. Never raises."""
    if openid is None:
        return
    try:
        account = ground.catalogues.current().entrance(entrance)
        if account is None or account.notice is None:
            return
        if owe_notice(ground, entrance=entrance, openid=openid, reference=reference):
            ground.bell.ring("notify", entrance)
    except Exception as fault:  # the inquiry stands: whatever this is, it must not look like a refusal
        log.warning("notice_not_owed", entrance=entrance, error=type(fault).__name__)


def notify(ground: Ground, entrance: str) -> None:
    """Send what this entrance owes. One worker at a time, and not for long: inquiries must not wait for WeChat."""
    account = ground.catalogues.current().entrance(entrance)
    if account is None or account.notice is None:
        return
    lock = ground.redis.lock(LOCK, timeout=LOCK_S, blocking=False)
    # Without Redis there is no token either; a lock that ran out meanwhile is another worker's.
    with suppress(RedisError):
        if lock.acquire():
            try:
                _send_owed(ground, account, account.notice)
            finally:
                lock.release()


def _send_owed(ground: Ground, account: Entrance, form: Notice) -> None:
    platform, until = Platform(ground), time.monotonic() + TURN_S
    while time.monotonic() < until:
        owed = claim_notice(ground, account.code)
        if owed is None or not _send(ground, platform, account, form, owed):
            return


def _send(ground: Ground, platform: Platform, account: Entrance, form: Notice, owed: OwedNotice) -> bool:
    """Send one; False when it is owed again, and the others with it."""
    words = {form.reference: owed.reference, form.status: STATUS}
    try:
        platform.send_notice(account, owed.openid, form.template_id, words)
    except OneCertError as fault:
        if not _left_nothing(fault):
            settle_notice(ground, owed.reference, sent=False, word=_word(fault))
            return True
        return_notice(ground, owed.reference)
        return False
    settle_notice(ground, owed.reference, sent=True, word="accepted")
    return True


def _left_nothing(fault: OneCertError) -> bool:
    """Whether it may be sent again: nothing left, or the platform says that it was too busy to do anything."""
    if isinstance(fault, PlatformRefused):
        return fault.course in (Course.RETRY, Course.MINUTE)
    return not (isinstance(fault, PlatformAway) and fault.sent)


def _word(fault: OneCertError) -> str:
    return str(fault.errcode) if isinstance(fault, PlatformRefused) else "no answer"


JOBS: Final[Mapping[str, Callable[..., None]]] = {"notify": notify}
"""What a worker may run for this folder: name -> step(ground, account)."""
