"""Accepted submissions a second, beside a bare Flask route with one INSERT: the same server, processes and database.

A submission is the whole of it: session opened, limits spent, code checked and used up, the 24-hour rule, three seals,
one durable commit, the ring. Nobody works the inquiries off meanwhile.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from flask import Flask, request
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert

from config.db.engine import begin, make_engine
from config.ground import Ground
from config.processes.serving import serve
from config.settings import load_settings
from query.access.sessions import open_session
from query.inquiry import INTERNET_ACCOUNTS
from query.intake.codes import PhoneHolder, code_row
from query.models import verification_code
from tests.bench.arrivals import PREFIXES
from tests.bench.instances import ground_of, limits_off, on_mariadb, workers_stopped
from tests.bench.measure import metered
from tests.bench.taps import cpu_seconds
from tests.support.instances import ONECERT, Instance
from tests.support.servers import free_port, wait_until

REQUESTS, CLIENTS, ROUNDS = 3_000, 16, 3
PROCESSES = 2
CODE = "123456"
Request = tuple[str, bytes, dict[str, str]]
"""Path, body, headers."""

bare_table = Table(
    "bare", MetaData(), Column("id", Integer, primary_key=True), Column("phone", String(11)), Column("tail", String(6))
)


def submissions(ground: Ground, first: int, count: int) -> list[Request]:
    """Submissions of citizens who have their sessions and their codes."""
    made, codes = [], []
    for number in range(first, first + count):
        phone = f"{PREFIXES[number % 3]}{number:08}"
        token, _, session = open_session(ground, "web")
        holder = PhoneHolder(tuple(ground.keys.phone_indexes(phone)), INTERNET_ACCOUNTS, session.owner)
        codes.append(code_row(ground, holder, CODE, ground.clock.now()))
        form = {"service": INTERNET_ACCOUNTS, "phone": phone, "id_tail": "12345X", "code": CODE, "consent": True}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        made.append(("/api/v1/inquiries", json.dumps(form).encode(), headers))
    with begin(ground.engine) as db:
        db.execute(insert(verification_code), codes)
    return made


def bare_requests(first: int, count: int) -> list[Request]:
    """As many forms for the bare route."""
    forms = [{"phone": f"138{number:08}", "id_tail": "12345X"} for number in range(first, first + count)]
    return [("/", json.dumps(form).encode(), {"Content-Type": "application/json"}) for form in forms]


def rate(port: int, requests: list[Request]) -> float:
    """Requests a second over `CLIENTS` kept connections; every one must be answered 202."""
    statuses: list[int] = []

    def play(mine: list[Request]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        for path, body, headers in mine:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    players = [threading.Thread(target=play, args=(requests[place::CLIENTS],)) for place in range(CLIENTS)]
    begun = time.monotonic()
    for player in players:
        player.start()
    for player in players:
        player.join()
    elapsed = time.monotonic() - begun
    assert statuses == [202] * len(requests), f"{len(statuses)} answers: {sorted(set(statuses))}"
    return len(requests) / elapsed


@contextmanager
def server(instance: Instance, port: int, *command: str) -> Iterator[int]:
    """One of the two servers; its pid."""
    environment = instance.environment | {"ONECERT_BIND": f"127.0.0.1:{port}"}
    child = subprocess.Popen(command, env=environment)
    try:
        wait_until(lambda: _listens(port), 30)
        yield child.pid
    finally:
        child.terminate()
        child.wait(10)


def _listens(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def measure() -> dict[str, Any]:
    """Medians of `ROUNDS` alternated rounds, and the median of the ratios."""
    bare, ours = free_port(), free_port()  # both stand ready, and take turns
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:  # noqa: SIM117 - the directory goes last
        with on_mariadb(Path(name) / "mariadb") as instance, ground_of(instance) as ground:
            limits_off(instance)
            bare_table.create(ground.engine)
            with (
                workers_stopped(instance),
                server(instance, bare, sys.executable, "-m", "tests.bench.intake", str(bare)) as bare_pid,
                server(instance, ours, ONECERT, "web", "--processes", str(PROCESSES)) as our_pid,
            ):
                rate(bare, bare_requests(1, 200))
                rate(ours, submissions(ground, 90_000_000, 200))
                turns = [
                    (
                        costed(ground, instance, bare_pid, bare, bare_requests(turn, REQUESTS)),
                        costed(ground, instance, our_pid, ours, submissions(ground, turn, REQUESTS)),
                    )
                    for turn in (1_000_000 * (1 + place) for place in range(ROUNDS))
                ]
    return {
        "per_second": round(statistics.median(our["per_second"] for _, our in turns)),
        "bare_per_second": round(statistics.median(bare["per_second"] for bare, _ in turns)),
        "ratio_to_bare": round(statistics.median(our["per_second"] / bare["per_second"] for bare, our in turns), 3),
        "each": {name: round(statistics.median(our[name] for _, our in turns), 2) for name in turns[0][1]},
        "each_bare": {name: round(statistics.median(bare[name] for bare, _ in turns), 2) for name in turns[0][0]},
    }


def costed(ground: Ground, instance: Instance, pid: int, port: int, requests: list[Request]) -> dict[str, float]:
    """The rate, and what one request took: CPU-ms of server, database, Redis and client, and statements."""
    served, own = cpu_seconds(pid), time.process_time()
    with metered(ground, instance) as taken:
        per_second = rate(port, requests)
    spent = {"server": cpu_seconds(pid) - served, "client": time.process_time() - own}
    spent |= {name: taken.cpu.get(name, 0.0) for name in ("database", "redis")}
    cost = {f"cpu_ms_{name}": seconds * 1000 / len(requests) for name, seconds in spent.items()}
    return {"per_second": per_second, "statements": taken.counters["statements"] / len(requests), **cost}


def make_bare(engine: Engine) -> Flask:
    """The least that stores a form: one route, one INSERT, one commit."""
    app = Flask("bare")

    @app.post("/")
    def store() -> tuple[dict[str, str], int]:
        form = request.get_json()
        with engine.begin() as db:
            db.execute(insert(bare_table).values(phone=form["phone"], tail=form["id_tail"]))
        return {"status": "received"}, 202

    return app


def main(port: str) -> None:
    """Serve the bare route."""
    serve(lambda: make_bare(make_engine(load_settings(os.environ).database_url)), f"127.0.0.1:{port}", PROCESSES)


if __name__ == "__main__":
    main(sys.argv[1])
