"""A line of `onecert doctor`'s report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `what` says what was found and, unless all is well, what to do."""

    check: str
    state: Literal["ok", "warn", "fail"]
    what: str
