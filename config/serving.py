"""Serves a WSGI application with granian, from a fork of this process: what is loaded already is shared with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

THREADS = 32
"""More than cores: most requests wait for the database, and a slow body holds its thread. `db.CONNECTIONS` fits."""
KILL_AFTER_S = 2


def serve(make_app: Callable[[], Any], bind: str) -> None:
    """Serve at `host:port` until SIGTERM or SIGINT; requests under way are finished first, for 2 s at most.

    `make_app` is called in the forked process, so that nothing it opens is shared.
    """
    host, _, port = bind.rpartition(":")
    Server(
        "onecert",
        address=host.strip("[]"),
        port=int(port),
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=KILL_AFTER_S,
    ).serve(target_loader=make_app, wrap_loader=False)
