"""Keeps a set of processes running and takes all of them along when it goes. Standard library only.

Children are forked: what this process has loaded they share with it, so they are there at once and cost little
memory. Those of stage 0 (the private Redis) are ready before stage 1 starts and stopped after it. A child that ends is
started again and said so. Each leads a process group of its own; should the supervisor itself be killed, a reaper
(`orphan_reaper.py`) ends the groups.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.processes.orphan_reaper import notify_reaper, rename, signal_group, start_reaper

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOP_S = {1: 3.0, 0: 0.7}
"""Seconds that the children of a stage get to end by themselves; together well under 5 s."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_S = 30.0
"""A child that ran this long restarts with the shortest wait."""
LOOK_EVERY_S, PROBE_S, SLOW_START_S = 0.05, 1.0, 30.0
STARTS_TO_GIVE_UP = 3


@dataclass(frozen=True)
class Child:
    """One process: a program (`argv`) or a function (`run`) that works until it is stopped.

    `ready`: `http://host:port/path` that answers 200, or `redis:/socket/path` that answers PING.
    `log_hint`: where its output can be read, for the error message.
    """

    name: str
    argv: Sequence[str] = ()
    run: Callable[[], object] | None = None
    stage: int = 1
    ready: str = ""
    log_hint: str = "above"


class Stopped(Exception):
    """A stop signal came."""


class NotStarting(Exception):
    """A child ended repeatedly before it was ready."""


def print_line(line: str) -> None:
    """Print a line; a closed standard output is no error."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class ChildProcess:
    """One child over all its lives. `pid` is None between two of them."""

    def __init__(self, child: Child, reaper: int, print_line: Callable[[str], None]) -> None:
        self.child, self._reaper, self._print_line = child, reaper, print_line
        self.pid: int | None = None
        self.ready = not child.ready
        self.ends = 0
        self._started = self._due = 0.0

    def start_if_due(self, now: float) -> None:
        """Start the child unless it runs or has still to wait."""
        if self.pid is None and now >= self._due:
            self._started = now
            self.pid = os.fork() or exec_child(self.child, self._reaper)

    def notice_end(self, now: float) -> None:
        """When the child has ended: take what is left of its group away, and plan its next life."""
        pid = self.pid
        status = self.reap()
        if status is None:
            return
        ended = f"was killed by {_signal_name(-status)}" if status < 0 else f"ended with status {status}"
        self.ends = 1 if now - self._started > STEADY_S else self.ends + 1
        pause = BACKOFF_S[min(self.ends, len(BACKOFF_S)) - 1]
        self._due = now + pause
        self._print_line(f"{self.child.name} (pid {pid}) {ended}; starting it again in {pause:g} s")

    def reap(self, wait: bool = False) -> int | None:
        """Return the exit status once (a signal is negative), None while the child runs. Its group ends with it."""
        if self.pid is None:
            return None
        pid, status = os.waitpid(self.pid, 0 if wait else os.WNOHANG)
        if pid == 0:
            return None
        signal_group(pid, signal.SIGKILL)
        notify_reaper(self._reaper, "-", pid)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def look(self) -> bool:
        """Return whether the child is, or once was, ready to work."""
        self.ready = self.ready or (self.pid is not None and answers(self.child.ready))
        return self.ready


def exec_child(child: Child, reaper: int) -> int:
    """In the forked process: be the child, and end with it. Never returns (the type is the fork's)."""
    status = 1
    try:
        os.setsid()
        # The reaper knows it before anything can go wrong; the pipe must not stay open in here.
        notify_reaper(reaper, "+", os.getpid())
        os.close(reaper)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if child.run is None:
            os.execvp(child.argv[0], [*child.argv])  # noqa: S606 - our own table of programs
        rename(f"onecert {child.name}")
        child.run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except OSError as error:
        os.write(2, f"{child.name}: {error.strerror}\n".encode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


class Supervisor:
    """Starts the children stage by stage, watches them, and stops them in the opposite order."""

    def __init__(self, children: Sequence[Child], print_line: Callable[[str], None]) -> None:
        self._print_line = print_line
        self._reaper_pid, self._reaper = start_reaper(STOP_SIGNALS)
        self._processes = [ChildProcess(child, self._reaper, print_line) for child in children]

    def run(self) -> int:
        """Serve until a stop signal; 0, or 1 when something does not start."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP_SIGNALS, signal.SIGCHLD})
        try:
            for stage in (0, 1):
                self._start(stage)
            self._print_line("ready")
            while True:
                self._tick(self._processes, timeout=1.0)
        except Stopped:
            self._print_line("stopping")
            return 0
        except NotStarting as fault:
            self._print_line(str(fault))
            return 1
        finally:
            for stage in (1, 0):
                self._stop([process for process in self._processes if process.child.stage == stage], STOP_S[stage])
            os.close(self._reaper)
            os.waitpid(self._reaper_pid, 0)

    def _start(self, stage: int) -> None:
        begun = [process for process in self._processes if process.child.stage <= stage]
        slow_at = time.monotonic() + SLOW_START_S
        self._tick(begun, timeout=0)
        while waiting := [process for process in begun if not process.look()]:
            self._tick(begun, LOOK_EVERY_S)
            for process in waiting:
                if process.ends >= STARTS_TO_GIVE_UP:
                    raise NotStarting(
                        f"{process.child.name} does not start; what it said is {process.child.log_hint}. Giving up."
                    )
            if time.monotonic() > slow_at:
                slow_at += SLOW_START_S
                self._print_line(f"still waiting for {', '.join(process.child.name for process in waiting)}")

    def _tick(self, processes: Sequence[ChildProcess], timeout: float) -> None:
        """Sleep until something happens, then see to it."""
        due = {*STOP_SIGNALS, signal.SIGCHLD}
        # A child that waits for its next life needs a look before long.
        asleep = timeout if all(process.pid for process in processes) else min(timeout, LOOK_EVERY_S)
        if (came := signal.sigtimedwait(due, asleep)) and came.si_signo in STOP_SIGNALS:
            raise Stopped
        for process in processes:
            process.notice_end(time.monotonic())
            process.start_if_due(time.monotonic())

    def _stop(self, processes: Sequence[ChildProcess], patience: float) -> None:
        """Send SIGTERM to each; kill those that remain after `patience` seconds or at a second signal."""
        for process in processes:
            if process.pid:
                signal_group(process.pid, signal.SIGTERM)
        until = time.monotonic() + patience
        while [process for process in processes if process.pid and process.reap() is None]:
            left = until - time.monotonic()
            came = signal.sigtimedwait({*STOP_SIGNALS, signal.SIGCHLD}, max(left, 0))
            if left <= 0 or (came and came.si_signo in STOP_SIGNALS):
                break
        for process in processes:
            if process.pid and process.reap() is None:
                self._print_line(f"{process.child.name} (pid {process.pid}) does not stop; killed")
                signal_group(process.pid, signal.SIGKILL)
                process.reap(wait=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def answers(address: str) -> bool:
    """Return whether the address of a `Child.ready` answers as it should."""
    where = urlsplit(address)
    path = where.path
    try:
        if where.scheme == "redis":
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(PROBE_S)
                peer.connect(path)
                return _exchange(peer, b"PING\r\n").startswith(b"+PONG")
        with socket.create_connection((where.hostname or "", where.port or 80), PROBE_S) as peer:
            request = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n"
            return _exchange(peer, request.encode()).split(b" ", 2)[1:2] == [b"200"]
    except OSError:
        return False


def _exchange(peer: socket.socket, request: bytes) -> bytes:
    peer.sendall(request)
    return peer.recv(256)
