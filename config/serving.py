"""How a process runs until it is stopped: a WSGI application served by granian from a fork, or a loop of its own."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from config import metrics
from config.log import configure_logging
from config.settings import Settings

THREADS = 32
"""More than cores: most requests wait for the database, and a slow body holds its thread. `db.CONNECTIONS` fits."""
KILL_AFTER_S = 2
PR_SET_PDEATHSIG = 1


def begin_process(settings: Settings) -> None:
    """What every process of a deployment does first: its log and its numbers go where all others' go."""
    configure_logging(settings.log_level)
    metrics.share(settings.data)


def serve(make_app: Callable[[], Any], bind: str, processes: int = 1) -> None:
    """Serve at `host:port` until SIGTERM or SIGINT; requests under way are finished first, for 2 s at most.

    `make_app` is called in each of the forked processes, so that nothing it opens is shared. Should this process be
    killed, they end too.
    """
    host, _, port = bind.rpartition(":")
    Server(
        "onecert",
        address=host.strip("[]"),
        port=int(port),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=processes,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=KILL_AFTER_S,
    ).serve(target_loader=partial(_settled, make_app, os.getpid()), wrap_loader=False)


def _settled(make_app: Callable[[], Any], parent: int) -> Any:
    """The application, made; what has been loaded for it stays, and is no more looked through for garbage."""
    _end_with(parent)
    app = make_app()
    gc.collect()
    gc.freeze()
    return app


def _end_with(parent: int) -> None:
    """Have the kernel tell this process to stop when `parent` is gone; it may be gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def until_stopped() -> threading.Event:
    """An event that SIGTERM and SIGINT set from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
