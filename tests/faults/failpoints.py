"""The fault points of the product, read from its source; and the trigger that makes a process die at one."""

from __future__ import annotations

import ast
import fcntl
import os
import signal
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("config", "enterprises", "sms_port", "query", "wechat", "miniprogram_api")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")) + [ROOT / "assembly.py"]

AFTER_THE_COUNT = ("objection.", "relay.", "report.", "event.", "watch.")
"""Prefixes of the points of objections and watches, which have kill matrices of their own (test_objections.py, and in
one process tests/query/objections/test_crashes.py): an inquiry does not pass them."""

OPTIONAL = ("help.", "next_day.", "vouched.", "withdraw.")
"""Prefixes of the points on ways that an inquiry need not take: tests of those ways pass them."""

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def calls_of(path: Path, verb: str) -> list[ast.Call]:
    """Return the calls `<verb>(...)` and `failpoints.<verb>(...)` of a source file."""
    source = path.read_text()
    if verb not in source:
        return []  # parsing every file takes seconds, in each process that collects tests
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call for call in calls if ast.unparse(call.func) in (verb, f"failpoints.{verb}")]


@cache
def points() -> list[str]:
    """Every point there is, sorted."""
    arguments = (node.args[0] for path in SOURCES for node in calls_of(path, "failpoint"))
    return sorted(str(argument.value) for argument in arguments if isinstance(argument, ast.Constant))


def inquiry_points() -> list[str]:
    """The points that an inquiry passes."""
    return [name for name in points() if not name.startswith(AFTER_THE_COUNT + OPTIONAL)]


def points_after_the_count() -> list[str]:
    """The points that an objection or a watch passes beside those of its SMS."""
    return [name for name in points() if name.startswith(AFTER_THE_COUNT)]


class Trigger:
    """Armed through files, so that processes which run already hear of it: `armed/<point>` holds passages and act.

    Passages are counted over all processes. Whoever makes the last one moves the file to `fired/`, with its pid in it,
    and then dies (`kill`) or freezes (`stop`).
    """

    def __init__(self, directory: Path) -> None:
        self.armed, self.fired = directory / "armed", directory / "fired"
        for folder in (self.armed, self.fired):
            folder.mkdir(parents=True, exist_ok=True)

    def arm(self, names: Iterable[str], passage: int, act: str = "kill") -> None:
        """From the `passage`-th time on which one of these is passed, each is done once."""
        for name in names:
            (self.fired / name).unlink(missing_ok=True)
            aside = self.armed.with_name(f".{name}")
            aside.write_text(f"{passage:>4} {act}")
            aside.rename(self.armed / name)

    def waiting(self) -> list[str]:
        """Points that are armed and have not been reached often enough."""
        return sorted(path.name for path in self.armed.iterdir())

    def disarm(self) -> None:
        """Take back what has not been reached."""
        for path in self.armed.iterdir():
            path.unlink(missing_ok=True)

    def pid_at(self, name: str) -> int | None:
        """Return whom it happened to; None: it has not."""
        path = self.fired / name
        return int(path.read_text()) if path.exists() else None

    def act(self, name: str) -> None:
        """Return what `config.failpoints` calls at every point of an armed process."""
        try:
            descriptor = os.open(self.armed / name, os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            left, act = os.pread(descriptor, 20, 0).decode().split()
            if os.fstat(descriptor).st_nlink == 0:
                return
            if int(left) > 1:
                os.pwrite(descriptor, f"{int(left) - 1:>4}".encode(), 0)
                return
            aside = self.fired.with_name(f".fired-{name}")
            aside.write_text(str(os.getpid()))
            aside.rename(self.fired / name)
            (self.armed / name).unlink(missing_ok=True)
        finally:
            os.close(descriptor)
        # To this thread: of a signal to the process, another may hear first, and this one goes on for a while.
        signal.pthread_kill(threading.get_ident(), SIGNALS[act])
