"""One call to WeChat's API: bounded in time, its answer judged by the table of errcodes.

A call that failed in a way that will not pass by itself is not made again for a while, by any process: a wrong secret
for a minute, a used-up quota until midnight, a platform that is away for seconds.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import randbelow
from typing import Any, Literal
from urllib.parse import urlencode

from redis import RedisError

from config.errors import CallError, NotSentError
from config.ground import Ground
from config.net.http_client import HttpResponse
from config.platforms.wechat_errcodes import ALARMING, Course, course_of, pause_after
from config.telemetry.log import get_logger
from wechat.errors import PlatformAway, PlatformRefused

CONNECT_S, READ_S, TOTAL_S = 1.0, 2.0, 2.0
TRIES = 3
BACKOFF_S = (0.2, 0.6)
TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105  # nosec B105

_RID = re.compile(r"rid: ?([0-9a-f-]{4,64})")

log = get_logger(__name__)


@dataclass(frozen=True)
class Target:
    """Whose call it is: the account's code for the log, the name that all processes keep its pauses under, where."""

    code: str
    name: str
    base_url: str


@dataclass(frozen=True)
class Call:
    """What to ask. `repeatable`: asking twice does no more than asking once."""

    method: Literal["GET", "POST"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    repeatable: bool = True


class Calls:
    """Makes calls for any account. `pause` is how it waits between tries."""

    def __init__(self, ground: Ground, pause: Callable[[float], None] = time.sleep) -> None:
        self._ground = ground
        self._pause = pause

    def make(self, target: Target, call: Call) -> dict[str, Any]:
        """The answer's object.

        Raises PlatformRefused for an errcode, PlatformAway when there was no answer.
        """
        self._keep_pause(target, call)
        for left in reversed(range(TRIES)):
            try:
                return self._once(target.base_url, call)
            except (PlatformRefused, PlatformAway) as fault:
                if left and _may_repeat(call, fault):
                    self._pause(BACKOFF_S[TRIES - 1 - left] * (1 + randbelow(100) / 200))
                    continue
                self._note(target, call, fault)
                raise
        raise AssertionError("the last try returns or raises")

    def _once(self, base_url: str, call: Call) -> dict[str, Any]:
        url = f"{base_url.rstrip('/')}{call.path}" + (f"?{urlencode(call.query)}" if call.query else "")
        try:
            answer = self._send(url, call)
        except CallError as fault:
            raise PlatformAway(
                f"WeChat gave no answer: {fault.reason}.", sent=not isinstance(fault, NotSentError)
            ) from None
        return _judge(answer, call.path)

    def _send(self, url: str, call: Call) -> HttpResponse:
        http = self._ground.http
        if call.method == "GET":
            return http.get(url, connect=CONNECT_S, read=READ_S, total=TOTAL_S)
        body, media = json.dumps(call.body, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
        return http.post(url, body, media, connect=CONNECT_S, read=READ_S, total=TOTAL_S)

    def _keep_pause(self, target: Target, call: Call) -> None:
        """Raise again what the last call raised, while its pause lasts. Without Redis there are no pauses."""
        with suppress(RedisError):
            told = self._ground.redis.get(_pause_key(target, call))
            if isinstance(told, bytes):
                course, code = told.decode().split(" ")
                if course == "away":
                    raise PlatformAway("WeChat gave no answer a moment ago.", sent=False)
                raise PlatformRefused(int(code), Course(course))

    def _note(self, target: Target, call: Call, fault: PlatformRefused | PlatformAway) -> None:
        """Log the fault, and begin its pause."""
        refused = isinstance(fault, PlatformRefused)
        course, errcode = (fault.course, fault.errcode) if isinstance(fault, PlatformRefused) else (Course.RETRY, 0)
        say = log.error if course in ALARMING else log.info if course is Course.USER else log.warning
        event = "platform_alarm" if course in ALARMING else "platform_failed"
        say(
            event,
            account=target.code,
            path=call.path,
            errcode=errcode,
            course=course.value,
            rid=getattr(fault, "rid", ""),
        )
        seconds = pause_after(course, self._ground.clock.now())
        if seconds:
            with suppress(RedisError):
                told = f"{course.value} {errcode}" if refused else "away 0"
                self._ground.redis.set(_pause_key(target, call), told, ex=seconds)


def _pause_key(target: Target, call: Call) -> str:
    return f"wechat:pause:{target.name}:{call.path}"


def _may_repeat(call: Call, fault: PlatformRefused | PlatformAway) -> bool:
    """Whether to try again at once: what certainly was not done, and what may be done twice."""
    if isinstance(fault, PlatformRefused):
        return fault.course is Course.RETRY  # the platform says that it did nothing
    return call.repeatable or not fault.sent


def _judge(answer: HttpResponse, path: str) -> dict[str, Any]:
    """The answer's object, if it is one and says no errcode."""
    if answer.status != 200:
        raise PlatformAway(f"WeChat answered with status {answer.status}.", sent=True)
    try:
        told = json.loads(answer.body, strict=False)  # names come with raw control characters
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise PlatformAway("WeChat's answer is no JSON object.", sent=True)
    errcode = told.get("errcode", 0)
    if errcode != 0:
        if not isinstance(errcode, int) or isinstance(errcode, bool):
            raise PlatformAway("WeChat's errcode is no number.", sent=True)
        rid = _RID.search(str(told.get("errmsg", "")))
        raise PlatformRefused(errcode, course_of(errcode, at_token=path == TOKEN_PATH), rid[1] if rid else "")
    return told
