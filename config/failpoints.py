"""Fault injection points: named places at which tests let a process die or a call fail.

Inert in production: no setting, variable or file reaches it, and no module of the product calls `arm` (a test sees to
that). The tests' own launcher arms itself and then becomes the process that is to die (docs/reliability.md).
"""

from collections.abc import Callable

Act = Callable[[str], None]
"""Called with a place's name; it returns, raises, or ends the process."""

_act: Act | None = None


def failpoint(name: str) -> None:
    """Pass the place `name`, a literal such as `submit.after_commit`; one look-up when nothing is armed."""
    if _act is not None:
        _act(name)


def arm(act: Act | None) -> None:
    """Have `act` called at every place from now on, in this process and those forked from it; None: never again."""
    global _act
    _act = act
