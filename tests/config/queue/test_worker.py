"""A worker as a process of its own: woken by every ring, outliving Redis, ended by SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from config.queue.bell import Bell, make_redis
from tests.support.servers import redis_server, wait_until

ROOT = Path(__file__).parents[3]

WORKER = """
import sys, time
from config.queue.bell import make_redis
from config.queue.worker import make_worker
def ask(partner):
    with open(sys.argv[2], "a") as file:
        file.write(f"{partner} {time.monotonic_ns()}\\n")
make_worker(make_redis(sys.argv[1]), {"ask": ask}).work()
print("ended", flush=True)
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    children: list[subprocess.Popen[str]] = []

    def start(url: str) -> subprocess.Popen[str]:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", WORKER, url, str(tmp_path / "heard")]
        children.append(
            subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.communicate()


def heard(path: Path, count: int) -> list[str]:
    """Return what was heard, once it is so much; the last line is whole."""
    wait_until(lambda: path.exists() and path.read_text().count("\n") >= count)
    return path.read_text().splitlines()


def test_a_worker_keeps_working_when_redis_dies_and_comes_back(tmp_path: Path, worker: Any) -> None:
    directory, path = tmp_path / "redis", tmp_path / "heard"
    directory.mkdir()
    with redis_server(directory) as url:
        bell, child = Bell(make_redis(url)), worker(url)
        bell.ring("ask", "one")
        heard(path, 1)
    time.sleep(0.5)
    bell.ring("ask", "lost")
    with redis_server(directory):
        bell.ring("ask", "two")
        assert heard(path, 2)[1].startswith("two ")
        Redis.from_url(url).flushall()
        bell.ring("ask", "three")
        assert heard(path, 3)[2].startswith("three ")
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 0
    bell.close()


def test_an_idle_worker_ends_on_sigterm_at_once(
    redis_url: str, redis: Redis, bell: Bell, worker: Any, tmp_path: Path
) -> None:
    child = worker(redis_url)
    bell.ring("ask", "one")
    heard(tmp_path / "heard", 1)
    wait_until(lambda: redis.info("clients")["blocked_clients"] == 1)
    begun = time.monotonic()
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == 0
    assert time.monotonic() - begun < 10, "it would have listened for 15 s"
    assert "ended" in child.stdout.read()


def test_a_worker_without_redis_waits_for_it_and_ends_on_sigterm(worker: Any) -> None:
    child = worker("redis://127.0.0.1:1/0")
    assert any("worker_reconnects" in line for line in child.stdout)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == 0


def test_every_ring_wakes_a_worker_that_waits(
    redis_url: str, redis: Redis, bell: Bell, worker: Any, tmp_path: Path
) -> None:
    worker(redis_url)
    path = tmp_path / "heard"
    for number in range(30):
        bell.ring("ask", f"p{number}")
        assert heard(path, number + 1)[-1].split()[0] == f"p{number}"
