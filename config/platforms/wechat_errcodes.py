"""WeChat's errcodes and the action for each, for official accounts and mini programs (pure).

One code can mean two things: 40001 from an API says that the token is over, from the token endpoint that the app secret
is wrong. Hence a second, small table for that endpoint. Source: WeChat's 全局返回码 and each call's page, 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from config.times.formats import shanghai


class ErrcodeAction(Enum):
    """The action to take for an errcode."""

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


def _table(groups: Mapping[ErrcodeAction, tuple[int, ...]]) -> Mapping[int, ErrcodeAction]:
    return {code: action for action, codes in groups.items() for code in codes}


ACTIONS: Final = _table(
    {
        ErrcodeAction.RETRY: (-1,),
        ErrcodeAction.MINUTE: (45011,),
        ErrcodeAction.REFRESH: (40001, 40014, 42001),
        ErrcodeAction.STOP: (
            *(40013, 40125, 40164, 40243, 41002, 41004, 48001, 48004, 50002, 61004, 61007, 89503, 89506, 89507),
            1400001,  # the phone numbers that were paid for are used up
            *(40037, 41030, 43116, 47003),  # a notice's template, page or keywords, which are the catalogue's
        ),
        ErrcodeAction.QUOTA: (45009, 48006),
        ErrcodeAction.USER: (40003, 40029, 40163, 40226, 41008, 42003, 43004, 43101, 45015, 45047, 46003, 50005),
    }
)
AT_TOKEN: Final[Mapping[int, ErrcodeAction]] = {40001: ErrcodeAction.STOP}
"""Differences at the token endpoint."""

ALARMING: Final = frozenset({ErrcodeAction.STOP, ErrcodeAction.QUOTA})
NO_MENU: Final = 46003
CODE_OVER: Final = frozenset({40029, 40163})
"""A login code that is unknown, or was used: a page that was loaded again."""

DAY_S: Final = 24 * 3600


def action_for(errcode: int, *, at_token: bool = False) -> ErrcodeAction:
    """Return the action for an errcode; `at_token`: it came from the token endpoint."""
    return (AT_TOKEN.get(errcode) if at_token else None) or ACTIONS.get(errcode, ErrcodeAction.UNKNOWN)


def pause_after(action: ErrcodeAction, now: int) -> int:
    """Return the seconds for which no process repeats a call that ended so; 0: it may be repeated at once."""
    if action is ErrcodeAction.QUOTA:
        local = shanghai(now)
        return DAY_S - (local.hour * 3600 + local.minute * 60 + local.second)
    return {ErrcodeAction.RETRY: 5, ErrcodeAction.MINUTE: 60, ErrcodeAction.STOP: 60}.get(action, 0)
