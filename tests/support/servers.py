"""Real servers for the tests: private, on loopback, ended by the fixture that started them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pymysql
import redis
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

# What a small production server would have; the tests' own have 4 MB of log and the default pool.
ROOMY = ["--innodb-log-file-size=512M", "--innodb-buffer-pool-size=2G", "--max-connections=300"]
MARIADB_OPTIONS = ["--no-defaults", "--skip-name-resolve", "--innodb-log-file-size=4M"]
PORTS = range(20_000, 32_000)
"""None that the kernel gives out by itself (from 32768 on): no connection takes one before its server listens."""

_taken: list[socket.socket] = []


def free_port() -> int:
    """A TCP port on loopback where nobody listens, and which no test of any process is given while this one lives."""
    while True:
        port, claim = secrets.choice(PORTS), socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0onecert-test-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _taken.append(claim)
        return port


def missing(program: str) -> str:
    """The sentence that tells which Debian package to install."""
    package = {
        "mariadbd": "mariadb-server",
        "node": "nodejs",
        "WebKitWebDriver": "webkit2gtk-driver",
        "Xvfb": "xvfb",
    }.get(program, program)
    return f"{program} is not installed: apt-get install {package}"


PATIENCE_S = 90.0
"""For what takes a moment, and on a busy machine far longer: patience costs nothing, only a failure waits so long."""


def wait_until(ready: Any, seconds: float = PATIENCE_S) -> None:
    """Call `ready` until it is true; raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds} s: {ready}")
        time.sleep(0.02)


@contextlib.contextmanager
def running(command: list[str], log: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command`, its output to `log`; killed at the end of the block, whatever happens."""
    with log.open("ab") as output:
        child = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=env)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def redis_answers(path: Path) -> bool:
    with contextlib.suppress(redis.RedisError, OSError), redis.Redis(unix_socket_path=str(path)) as client:
        return bool(client.ping())
    return False


@contextlib.contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """A private Redis on a unix socket in `directory`; yields its URL."""
    path = directory / "redis.sock"
    command = [shutil.which("redis-server") or "redis-server", "--port", "0", "--unixsocket", str(path)]
    with running([*command, "--dir", str(directory), "--save", "", "--appendonly", "no"], directory / "redis.log"):
        wait_until(lambda: redis_answers(path))
        yield f"unix://{path}"


def mariadb_answers(path: Path) -> bool:
    # Not with PyMySQL: it leaves the socket open when the server is not ready to greet.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        probe.connect(str(path))
        return bool(probe.recv(1))
    return False


def install_mariadb(directory: Path, *options: str) -> list[str]:
    """Make the system tables of a new server below `directory`; the options that lead a server there."""
    # Each has a place of its own for temporary tables: in a common one a server that starts deletes the others'.
    (directory / "tmp").mkdir()
    where = [f"--datadir={directory / 'mysql'}", f"--tmpdir={directory / 'tmp'}"]
    where += [f"--user={os.environ.get('USER') or 'root'}"]
    install = ["--skip-test-db", "--auth-root-authentication-method=normal", "--innodb-buffer-pool-size=32M"]
    command = ["mariadb-install-db", *MARIADB_OPTIONS, *install, *options, "--innodb-doublewrite=0", *where]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return where


@contextlib.contextmanager
def mariadb_server(directory: Path, *, durable: bool = False) -> Iterator[str]:
    """A private MariaDB; yields the URL of its empty database `onecert`.

    `durable`: flush the log at each commit, and have the memory of a small production server.
    """
    flush = f"--innodb-flush-log-at-trx-commit={int(durable)}"
    where = install_mariadb(directory, flush)
    path, port = directory / "mysql.sock", free_port()
    listen = [f"--socket={path}", f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={directory / 'pid'}"]
    server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    room = ROOMY if durable else []
    with running([server, *MARIADB_OPTIONS, *room, flush, *where, *listen], directory / "mariadb.log"):
        wait_until(lambda: mariadb_answers(path))
        with pymysql.connect(unix_socket=str(path), user="root") as root, root.cursor() as cursor:
            cursor.execute("CREATE DATABASE onecert CHARACTER SET utf8mb4")
            cursor.execute("CREATE USER onecert@'127.0.0.1' IDENTIFIED BY 'onecert'")
            cursor.execute("GRANT ALL ON *.* TO onecert@'127.0.0.1'")
        yield f"mysql+pymysql://onecert:onecert@127.0.0.1:{port}/onecert?charset=utf8mb4"


def wsgi_method(answer: Callable[[Any, Request], Response]) -> Callable[..., Iterable[bytes]]:
    """Make a WSGI application of a method, as `Request.application` does, whose types know functions only."""
    application: Callable[..., Iterable[bytes]] = Request.application(cast("Any", answer))
    return application


@contextlib.contextmanager
def serve(wsgi_app: Any, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a WSGI application on loopback in threads; yields its address, `http://127.0.0.1:<port>` (https: `tls`)."""
    server = make_server("127.0.0.1", 0, wsgi_app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def silent_host() -> Iterator[int]:
    """A port that takes no connection and refuses none, like a host that is gone; yields it."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
