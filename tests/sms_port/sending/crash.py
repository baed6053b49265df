"""Runs gateways that die. A line on standard input, `offset_ms point passage seconds`, starts one; its end is told.

It forks them, so that each costs a fraction of a second. At the n-th passage of `point` (a dotted name, `-` for none)
the process kills itself with SIGKILL, before the function or, with `+` in front, after it; else it is killed after
`seconds`, counted from the moment its link is connected. `point` = `stop`: it lives until the next line, and is ended
properly.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from config.ground import make_ground
from config.settings import load_settings
from config.telemetry.log import configure_logging
from sms_port.links.session.events import Bound, Event
from sms_port.links.session.link import SessionLink
from sms_port.links.session.protocol import ProtocolSession
from sms_port.sending.gateway import run

LONGEST_START_S = 90.0


class Shifted:
    """The time of day, moved."""

    def __init__(self, offset_ms: int) -> None:
        self.offset_ms = offset_ms

    def now(self) -> int:
        return round(time.time() * 1000) + self.offset_ms


def dying(real: Callable[..., Any], passage: int, *, after: bool) -> Callable[..., Any]:
    """The function, deadly at its n-th passage."""
    passed = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal passed
        passed += 1
        deadly = passed == passage
        if deadly and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def plant(point: str, passage: int) -> None:
    """Make a function of the program deadly."""
    after, name = point.startswith("+"), point.lstrip("+")
    module, _, path = name.partition(":")
    *owners, last = path.split(".")
    owner: Any = importlib.import_module(module)
    for step in owners:
        owner = getattr(owner, step)
    setattr(owner, last, dying(getattr(owner, last), passage, after=after))


def tell_when_bound(pipe: int) -> None:
    """Write a byte once the gateway has let the link in: a slow machine must not count as a short life."""
    real = SessionLink.on_events

    def on_events(self: SessionLink, session: ProtocolSession, events: Sequence[Event]) -> None:
        real(self, session, events)
        if any(isinstance(event, Bound) for event in events):
            os.write(pipe, b"b")

    SessionLink.on_events = on_events  # type: ignore[method-assign]


def live(offset_ms: int, point: str, passage: int, pipe: int) -> None:
    """Be a gateway."""
    tell_when_bound(pipe)
    if point not in ("-", "stop"):
        plant(point, passage)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    ground = make_ground(load_settings(os.environ), clock=Shifted(offset_ms))
    run(ground, lambda db, outcomes: None, stop)


def main() -> None:
    """Serve until standard input ends."""
    configure_logging("error")
    for line in sys.stdin:
        offset_ms, point, passage, seconds = line.split()
        told, tell = os.pipe()
        child = os.fork()
        if child != 0:
            os.close(tell)  # its end, so that a death before the connection is noticed at once
        else:
            status = 1
            try:
                live(int(offset_ms), point, int(passage), tell)
                status = 0
            finally:
                os._exit(status)
        if point == "stop":
            select.select([told], [], [], LONGEST_START_S)
            sys.stdin.readline()
            os.kill(child, signal.SIGTERM)
            ended = os.waitpid(child, 0)[1]
        else:
            ended = see_it_die(child, told, float(seconds))
        os.close(told)
        print(ended, flush=True)


def see_it_die(child: int, told: int, seconds: float) -> int:
    """Its status; killed so long after it told that it is connected, should it still live."""
    deadline, done = time.monotonic() + LONGEST_START_S, (0, 0)
    if select.select([told], [], [], LONGEST_START_S)[0] and os.read(told, 1):
        deadline = time.monotonic() + seconds
    while done[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.005)
        done = os.waitpid(child, os.WNOHANG)
    if done[0] == 0:
        os.kill(child, signal.SIGKILL)
        done = os.waitpid(child, 0)
    return done[1]


if __name__ == "__main__":
    main()
