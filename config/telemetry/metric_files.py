"""Files in which the processes of one host count, so that the process that serves /metrics can sum them.

prometheus-client maps a file for each process. Ours are named by a slot, not by a pid: a process takes the lowest
slot that nobody holds and counts on where its last holder stopped. So a process that was killed loses nothing,
restarts leave no files behind, and a pid that comes again, or lives in another container, confuses nobody.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

from prometheus_client import values

DIRECTORY = "metrics"
KINDS = ("counter", "histogram", "gauge_mostrecent")
"""The library's files of a process: one for each kind of meter that we have."""
ROOM = 1 << 19
"""Bytes of a file at first: some thousand meters, and the library need not make it larger."""


class MetricFile:
    """This process's number among those that share `directory`; the kernel gives it back when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._pid, self._lock, self._name = directory, 0, -1, ""

    def __call__(self) -> str:
        """The slot's name; after a fork, that of a new one."""
        if self._pid != os.getpid():
            if self._lock >= 0:
                os.close(self._lock)  # the parent goes on holding its own
                self._lock = -1
            self._lock, self._name = _claim(self._directory)
            self._pid = os.getpid()
        return self._name


def use_directory(data: Path) -> Path:
    """Have everything counted from now on in this process, and in its forks, be kept below `data`; returns where.

    OSError when nothing can be kept there.
    """
    directory = data / DIRECTORY
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)  # where the library looks for it
    values.ValueClass = values.MultiProcessValue(MetricFile(directory))  # type: ignore[no-untyped-call]
    return directory


def clear(data: Path) -> None:
    """Forget what was counted; only while none of the processes runs."""
    for file in (data / DIRECTORY).glob("*.db"):
        file.unlink()


def _claim(directory: Path) -> tuple[int, str]:
    for number in count(1):
        name = str(number)
        lock = os.open(directory / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            _grow(directory, name, lock)
            return lock, name
    raise AssertionError("count does not end")


def _grow(directory: Path, name: str, lock: int) -> None:
    """Have the disk's blocks before anything is written: a process that maps a file on a full disk is killed."""
    try:
        for kind in KINDS:
            file = os.open(directory / f"{kind}_{name}.db", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, ROOM)
            finally:
                os.close(file)
    except OSError:
        os.close(lock)
        raise
