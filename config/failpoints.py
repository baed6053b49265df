"""Named places at which a process may die or a call may fail, so that tests can have it happen exactly there.

Inert in production: no setting, variable or file reaches it, and no module of the product calls `arm` (a test sees to
that). The tests' own launcher arms itself and then becomes the process that is to die (docs/reliability.md).
"""

from collections.abc import Callable

Act = Callable[[str], None]
"""What happens at a place, by its name: nothing, an exception, or the end of the process."""

_act: Act | None = None


def failpoint(name: str) -> None:
    """Pass the place `name`, a literal such as `submit.after_commit`; one look-up when nothing is armed."""
    if _act is not None:
        _act(name)


def arm(act: Act | None) -> None:
    """Have `act` called at every place from now on, in this process and those forked from it; None: never again."""
    global _act
    _act = act
