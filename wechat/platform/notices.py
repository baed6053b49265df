"""The subscription notice 受理成功 after an acceptance: the reference only, where the account has the right.

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
from config.platforms.wechat_errcodes import ErrcodeAction
from config.telemetry.log import get_logger
from query.notices import OwedNotice, claim_notice, owe_notice, return_notice, settle_notice
from wechat.platform.client import Platform

STATUS: Final = "受理成功"
TURN_S: Final = 2.0
"""Seconds that one job may take; the rest is left to the next one."""
LOCK: Final = "wechat:notifying"
LOCK_S: Final = 30

log = get_logger(__name__)


def owe(ground: Ground, entrance: str, openid: str | None, reference: str) -> None:
    """Queue a notice for an accepted inquiry, if the entrance sends notices and knows the openid. Never raises."""
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
    """Send the queued notices of an entrance, one worker at a time, for at most TURN_S."""
    account = ground.catalogues.current().entrance(entrance)
    if account is None or account.notice is None:
        return
    lock = ground.redis.lock(LOCK, timeout=LOCK_S, blocking=False)
    # Without Redis there is no token either; an expired lock belongs to another worker.
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
    """Send one notice. Return False when it was put back, and the rest should wait too."""
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
    """Return whether a notice may be sent again: nothing was sent, or the platform was too busy to act."""
    if isinstance(fault, PlatformRefused):
        return fault.action in (ErrcodeAction.RETRY, ErrcodeAction.MINUTE)
    return not (isinstance(fault, PlatformAway) and fault.sent)


def _word(fault: OneCertError) -> str:
    return str(fault.errcode) if isinstance(fault, PlatformRefused) else "no answer"


JOBS: Final[Mapping[str, Callable[..., None]]] = {"notify": notify}
"""Jobs of this folder for the worker: name -> function(ground, entrance)."""
