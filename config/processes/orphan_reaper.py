"""Kills orphaned process groups after the supervisor was killed: a small process that outlives it.

It holds the other end of a pipe, and sees it close. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_S, LOOK_EVERY_S = 2.0, 0.05


def start_reaper(signals: Iterable[signal.Signals]) -> tuple[int, int]:
    """Fork the reaper, which ignores `signals`. Return (its pid, the pipe end that `notify_reaper` writes to)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        return pid, writing
    os.close(writing)
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        rename("onecert guard")
        end_groups(read_groups(reading))
    finally:
        os._exit(0)


def notify_reaper(reaper: int, what: str, group: int) -> None:
    """Register (`+`) or forget (`-`) a process group. Does nothing when the reaper is dead."""
    with contextlib.suppress(OSError):
        os.write(reaper, f"{what}{group}\n".encode())


def read_groups(pipe: int) -> set[int]:
    """Read until the pipe closes. Return the groups that are still registered."""
    groups: set[int] = set()
    with os.fdopen(pipe, "rb") as lines:
        for line in lines:
            (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    return groups


def end_groups(groups: set[int]) -> None:
    """Send SIGTERM to the groups, and SIGKILL to those left after two seconds."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and any(signal_group(group, 0) for group in groups):
        time.sleep(LOOK_EVERY_S)
    for group in groups:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a whole group; False when nobody is there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def rename(title: str) -> None:
    """Show `title` in `ps`: written over the arguments this process was started with, as far as they reach."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, room = int(fields[45]), int(fields[46]) - int(fields[45])
        words = title.encode().replace(b" ", b"\0")[: room - 1]
        ctypes.memmove(start, words.ljust(room, b"\0"), room)
