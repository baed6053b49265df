"""The two instances that benchmarks compare: the embedded default, and MariaDB with Redis."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from config.ground import Ground, make_ground
from config.settings import load_settings
from config.telemetry.log import configure_logging
from tests.support.instances import Instance, private_instance
from tests.support.servers import mariadb_server, redis_server

MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


@contextlib.contextmanager
def embedded(directory: Path) -> Iterator[Instance]:
    """SQLite and the private Redis, as `make run` starts them."""
    directory.mkdir(exist_ok=True, parents=True)
    with private_instance(directory) as instance:
        yield instance


@contextlib.contextmanager
def on_mariadb(directory: Path, *words: str) -> Iterator[Instance]:
    """The same processes on a private MariaDB that flushes at each commit, and a private Redis."""
    directory.mkdir(parents=True)
    with mariadb_server(directory, durable=True) as database, redis_server(directory) as redis_url:
        settings = {"ONECERT_DATABASE_URL": database, "ONECERT_REDIS_URL": redis_url, "ONECERT_MASTER_KEY": MASTER_KEY}
        with private_instance(directory, *words, **settings) as instance:
            yield instance


@contextlib.contextmanager
def ground_of(instance: Instance) -> Iterator[Ground]:
    """Return what an instance's processes stand on, for looking at it from inside."""
    configure_logging("warning")
    ground = make_ground(load_settings(instance.environment))
    yield ground
    ground.engine.dispose()
    ground.redis.close()


@contextlib.contextmanager
def workers_stopped(instance: Instance) -> Iterator[None]:
    """Hold the workers, the gateway and the clock up for the block, as a debugger would."""
    ours = [
        child
        for child in psutil.Process(instance.pid).children(recursive=True)
        if {"worker", "gateway", "clock"} & set(child.cmdline())
    ]
    for child in ours:
        child.suspend()
    try:
        yield
    finally:
        for child in ours:
            child.resume()


def limits_off(instance: Instance) -> None:
    """Raise every limit but the one per number, so that one address may play hundreds of citizens."""
    catalogue = instance.onecert("config", "show")
    head, limits = catalogue.split("[limits]", 1)
    section, *rest = re.split(r"(?m)^(?=\[)", limits)
    raised = re.sub(r"(?m)^((?!code_per_phone|codes_per_phone)\w+) = \d+$", r"\1 = 1000000", section)
    raised = re.sub(r"(?m)^codes_web_share = .*$", "codes_web_share = 1.0", raised)
    path = instance.log.with_name("bench.toml")
    path.write_text(head + "[limits]" + raised + "".join(rest))
    instance.onecert("config", "apply", str(path), "--note", "benchmark", "--yes")
