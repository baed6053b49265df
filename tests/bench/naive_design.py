"""The design one would write first: one RQ job for each inquiry and enterprise, one call and one UPDATE in it.

No retries, no signatures, no sealing, no audit, and a partner that answers every question with a constant: whatever
can be left out is, in its favour. `python -m tests.bench.naive_design worker|partner ...` are its processes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pymysql
import requests
from flask import Flask
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from sqlalchemy import make_url

from config.processes.serving import serve
from tests.support.instances import Instance
from tests.support.servers import free_port, wait_until

ENTERPRISES = 8
WORKERS = 2
CLASSES = {"simple": SimpleWorker, "fork": Worker}
TABLE = "CREATE TABLE IF NOT EXISTS lookup (inquiry INT, enterprise INT, answer INT, PRIMARY KEY (inquiry, enterprise))"


@cache
def database(url: str) -> pymysql.Connection[Any]:
    """This process's connection; each statement commits by itself."""
    at = make_url(url)
    return pymysql.connect(
        host=at.host,
        port=at.port or 3306,
        user=at.username,
        password=at.password or "",
        db=at.database,
        autocommit=True,
    )


def look_up(url: str, partner: str, inquiry: int, enterprise: int) -> None:
    """The job."""
    answer = requests.post(partner, json={"phone": f"138{inquiry:08}"}, timeout=10).json()
    with database(url).cursor() as cursor:
        cursor.execute(
            "UPDATE lookup SET answer = %s WHERE inquiry = %s AND enterprise = %s",
            (answer["count"], inquiry, enterprise),
        )


def rate(instance: Instance, kind: str, inquiries: int) -> float:
    """Inquiries a second with `WORKERS` workers of a kind (simple, fork), everything enqueued beforehand."""
    url, redis_url = instance.environment["ONECERT_DATABASE_URL"], instance.environment["ONECERT_REDIS_URL"]
    pairs = [(inquiry, enterprise) for inquiry in range(inquiries) for enterprise in range(ENTERPRISES)]
    with database(url).cursor() as cursor, _partner() as partner, Redis.from_url(redis_url) as redis:
        cursor.execute(TABLE)
        cursor.execute("DELETE FROM lookup")
        cursor.executemany("INSERT INTO lookup (inquiry, enterprise) VALUES (%s, %s)", pairs)
        queue = Queue("obvious", connection=redis)
        queue.enqueue_many([Queue.prepare_data(look_up, (url, partner, *pair), result_ttl=0) for pair in pairs])

        def open_lookups() -> int:
            cursor.execute("SELECT COUNT(*) FROM lookup WHERE answer IS NULL")
            return int((cursor.fetchone() or [0])[0])

        workers = [_child("worker", kind, redis_url) for _ in range(WORKERS)]
        try:
            # Their start is not the design's fault: the clock runs from the first job that is done.
            wait_until(lambda: open_lookups() < len(pairs), 30)
            begun, left = time.monotonic(), open_lookups()
            wait_until(lambda: time.sleep(0.1) or not open_lookups(), 300)
            return left / ENTERPRISES / (time.monotonic() - begun)
        finally:
            _end(workers)


@contextlib.contextmanager
def _partner() -> Iterator[str]:
    port = free_port()
    child = _child("partner", str(port))
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_until(lambda: _answers(url))
        yield url
    finally:
        _end([child])


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.post(url, json={}, timeout=1).ok
    return False


def _child(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.bench.naive_design", *words])


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        child.wait(10)


def make_partner() -> Flask:
    """Answers everything at once."""
    app = Flask("obvious")
    app.add_url_rule("/", view_func=lambda: {"count": 1}, methods=["POST"])
    return app


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["worker", kind, redis_url]:
            os.environ["NO_PROXY"] = "*"
            CLASSES[kind]([Queue("obvious", connection=(at := Redis.from_url(redis_url)))], connection=at).work(
                logging_level="WARNING"
            )
        case ["partner", port]:
            serve(make_partner, f"127.0.0.1:{port}")
