"""Tries and pauses of calls to WeChat's API, by the table of errcodes.

A call that failed in a way that will not pass by itself is not made again for a while, by any process: a wrong secret
for a minute, a used-up quota until midnight, a platform that is away for seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from secrets import randbelow
from typing import TypeVar

from redis import Redis, RedisError

from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_errcodes import ALARMING, ErrcodeAction, pause_after
from config.telemetry.log import get_logger
from config.times.clock import Clock

BACKOFF_S = (0.2, 0.6)

Result = TypeVar("Result")

log = get_logger(__name__)


@dataclass(frozen=True)
class Terms:
    """Limits of one call (seconds; bytes of its answer), its tries, and whether it keeps to the pauses."""

    connect_s: float
    read_s: float
    total_s: float
    tries: int
    paused: bool
    cap: int = 1024 * 1024


BACKGROUND = Terms(1.0, 2.0, 2.0, tries=3, paused=True)
"""Of an official account's calls: every process keeps to the pauses."""

ATTENDED = Terms(2.0, 3.0, 4.0, tries=1, paused=False, cap=64 * 1024)
"""Of a mini program's calls: a citizen waits, and gets an error at once rather than a second try."""


@dataclass(frozen=True)
class Pause:
    """A call that is not made for another `seconds`, with what it ended in."""

    path: str
    action: str
    errcode: int
    seconds: int


class CallPolicy:
    """Tries and pauses of one app. `code` names it in the log, `name` in Redis; `wait` waits between two tries."""

    def __init__(
        self, redis: Redis, clock: Clock, code: str, name: str, terms: Terms, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._redis, self._clock, self._terms, self._wait = redis, clock, terms, wait
        self._code, self._prefix = code, f"wechat:pause:{name}:"

    def run(self, path: str, attempt: Callable[[], Result], *, once: bool) -> Result:
        """Make a call; `once`: it is not repeated when it may have been done. Raises PlatformRefused, PlatformAway."""
        self._keep_pause(path)
        for left in reversed(range(self._terms.tries)):
            try:
                return attempt()
            except (PlatformRefused, PlatformAway) as fault:
                if left and _may_repeat(fault, once=once):
                    self._wait(BACKOFF_S[self._terms.tries - 1 - left] * (1 + randbelow(100) / 200))
                    continue
                self._note(path, fault)
                raise
        raise AssertionError("the last try returns or raises")

    def pauses(self) -> Iterator[Pause]:
        """Yield the calls that are not made just now. Raises RedisError."""
        for key in sorted(self._redis.scan_iter(f"{self._prefix}*")):
            found = self._redis.get(key)
            if isinstance(found, bytes):
                action, errcode = found.decode().split(" ")
                seconds = self._redis.ttl(key)
                yield Pause(key.decode().removeprefix(self._prefix), action, int(errcode), int(str(seconds)))

    def lift(self) -> int:
        """End all pauses, and return how many there were. Raises RedisError."""
        return sum(int(str(self._redis.delete(key))) for key in list(self._redis.scan_iter(f"{self._prefix}*")))

    def _keep_pause(self, path: str) -> None:
        """Raise the error of the last call again while its pause lasts. Without Redis there are no pauses."""
        if not self._terms.paused:
            return
        with suppress(RedisError):
            found = self._redis.get(self._prefix + path)
            if isinstance(found, bytes):
                action, errcode = found.decode().split(" ")
                if action == "away":
                    raise PlatformAway("WeChat gave no answer a moment ago.", sent=False)
                raise PlatformRefused(int(errcode), ErrcodeAction(action))

    def _note(self, path: str, fault: PlatformRefused | PlatformAway) -> None:
        """Log the fault, and begin its pause."""
        refused = isinstance(fault, PlatformRefused)
        action = fault.action if isinstance(fault, PlatformRefused) else ErrcodeAction.RETRY
        errcode, rid = getattr(fault, "errcode", 0), getattr(fault, "rid", "")
        write = log.error if action in ALARMING else log.info if action is ErrcodeAction.USER else log.warning
        event = "platform_alarm" if action in ALARMING else "platform_failed"
        write(event, account=self._code, path=path, errcode=errcode, action=action.value, rid=rid, why=fault.detail)
        seconds = pause_after(action, self._clock.now()) if self._terms.paused else 0
        if seconds:
            with suppress(RedisError):
                kept = f"{action.value} {errcode}" if refused else "away 0"
                self._redis.set(self._prefix + path, kept, ex=seconds)


def _may_repeat(fault: PlatformRefused | PlatformAway, *, once: bool) -> bool:
    """Return whether to try again at once: it was certainly not done, or may be done twice."""
    if isinstance(fault, PlatformRefused):
        return fault.action is ErrcodeAction.RETRY  # the platform says that it did nothing
    return not once or not fault.sent
