"""WeChat's errcodes in one table, for official accounts and mini programs: what each means for whoever called (pure).

One code can mean two things: 40001 from an API says that the token is over, from the token endpoint that the app secret
is wrong. Hence a second, small table for that endpoint. Source: WeChat's 全局返回码 and each call's page, 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from config.times.formats import shanghai


class Course(Enum):
    """What to do about an errcode."""

    RETRY = "retry"
    """The platform is busy: again after a moment, three times at most."""
    REFRESH = "refresh"
    """The token is over: drop it if it is still the one in use, once more with the next."""
    STOP = "stop"
    """Somebody must mend something (secret, right, allow-list): stop and raise the alarm."""
    MINUTE = "minute"
    """Asked too often in this minute, each try counts: not again before it is over."""
    QUOTA = "quota"
    """The day's calls are used up: nothing more before midnight in Shanghai."""
    USER = "user"
    """It is about this citizen or this request only: no alarm, no retry."""
    UNKNOWN = "unknown"
    """Not in the table: no retry; the log has the code."""


def _table(groups: Mapping[Course, tuple[int, ...]]) -> Mapping[int, Course]:
    return {code: course for course, codes in groups.items() for code in codes}


COURSES: Final = _table(
    {
        Course.RETRY: (-1,),
        Course.MINUTE: (45011,),
        Course.REFRESH: (40001, 40014, 42001),
        Course.STOP: (
            *(40013, 40125, 40164, 40243, 41002, 41004, 48001, 48004, 50002, 61004, 61007, 89503, 89506, 89507),
            1400001,  # the phone numbers that were paid for are used up
            *(40037, 41030, 43116, 47003),  # a notice's template, page or keywords, which are the catalogue's
        ),
        Course.QUOTA: (45009, 48006),
        Course.USER: (40003, 40029, 40163, 40226, 41008, 42003, 43004, 43101, 45015, 45047, 46003, 50005),
    }
)
AT_TOKEN: Final[Mapping[int, Course]] = {40001: Course.STOP}
"""What differs at the endpoint that gives tokens out."""

ALARMING: Final = frozenset({Course.STOP, Course.QUOTA})
NO_MENU: Final = 46003
CODE_OVER: Final = frozenset({40029, 40163})
"""A login code that is unknown, or was used: a page that was loaded again."""

DAY_S: Final = 24 * 3600


def course_of(errcode: int, *, at_token: bool = False) -> Course:
    """What to do about an errcode; `at_token`: it came from the token endpoint."""
    return (AT_TOKEN.get(errcode) if at_token else None) or COURSES.get(errcode, Course.UNKNOWN)


def pause_after(course: Course, now: int) -> int:
    """Seconds for which a call that ended so is not made again, by any process; 0: it may be at once."""
    if course is Course.QUOTA:
        local = shanghai(now)
        return DAY_S - (local.hour * 3600 + local.minute * 60 + local.second)
    return {Course.RETRY: 5, Course.MINUTE: 60, Course.STOP: 60}.get(course, 0)
