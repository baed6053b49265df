"""Runs a process until it is stopped: a WSGI application in granian, or a loop of its own."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from config.db.availability import log_availability
from config.processes import slow_senders
from config.processes.admission import OPEN_SLOTS, SIGNED_SLOTS
from config.settings import Settings
from config.telemetry import metrics
from config.telemetry.log import configure_logging, get_logger

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = OPEN_SLOTS + SIGNED_SLOTS
"""Requests that are worked on at once: more than cores, since most wait for the database. `db.CONNECTIONS` fits."""
WAITING = 128
"""Threads beyond those, for requests whose body is still on its way (config/processes/slow_senders.py)."""
HEADERS_WITHIN_MS = 10_000
CONNECTIONS = 4096
"""Connections at once, most of them idle; more wait in the kernel."""
KILL_AFTER_S = 2
PR_SET_PDEATHSIG = 1
HEARTBEAT = "heartbeat"
"""Name of the application's extension that each serving process starts."""
PR_SET_DUMPABLE = 4


log = get_logger(__name__)


def begin_process(settings: Settings, role: str, bind: str = "") -> None:
    """Begin a process of a deployment: direct its log lines and metrics to the shared places, and say what starts."""
    configure_logging(settings.log_level)
    metrics.use_directory(settings.data)
    metrics.set_build(role, version("onecert"))
    log.info(
        "process_started",
        role=role,
        release=version("onecert"),
        bind=bind,
        public_url=settings.public_url,
        database=_place(settings.database_url),
        redis=_place(settings.redis_url),
        data=str(settings.data),
    )
    log_availability()
    _keep_memory_private()


def _place(url: str) -> str:
    """Return where a URL leads, without the user, the password and the query."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def _keep_memory_private() -> None:
    """Keep keys and numbers out of core files, and out of reach of other processes of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


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
        blocking_threads=THREADS + WAITING,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS),
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=KILL_AFTER_S,
    ).serve(target_loader=partial(_make_frozen_app, make_app, os.getpid(), int(port)), wrap_loader=False)


def _make_frozen_app(make_app: Callable[[], Any], parent: int, port: int) -> Any:
    """The application, made; what has been loaded for it stays, and is no more looked through for garbage."""
    _die_with_parent(parent)
    app = make_app()
    slow_senders.watch(port)
    if beat := getattr(app, "extensions", {}).get(HEARTBEAT):
        beat.start()
    gc.collect()
    gc.freeze()
    return app


def _die_with_parent(parent: int) -> None:
    """Have the kernel tell this process to stop when `parent` is gone; it may be gone already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def buffer_responses(inner: WSGIApplication) -> WSGIApplication:
    """A WSGI layer: an answer that tells its length leaves in one piece, and only a stream in several.

    granian sends a list at once; for each piece of anything else it goes through its threads once more.
    """

    def layer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        measured = False

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal measured
            measured = any(name.lower() == "content-length" for name, _ in headers)
            return start_response(status, headers, exc_info)

        pieces = inner(environ, start)
        return _one_chunk(pieces) if measured else pieces

    return layer


def _one_chunk(pieces: Iterable[bytes]) -> list[bytes]:
    try:
        return [b"".join(pieces)]
    finally:
        if close := getattr(pieces, "close", None):
            close()


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
