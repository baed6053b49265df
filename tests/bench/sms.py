"""Messages a second from the ledger on MariaDB to a gateway on loopback, over HTTP and over CMPP (window 16).

Beside the whole way stands the wire alone: the same link without a ledger. And: how long a verification code takes
while 10,000 replies are queued before it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import secrets
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from flask import Flask, Response, jsonify, request
from sqlalchemy import func, select

from config.db.engine import begin, reading
from config.ground import Ground, make_ground
from config.settings import load_settings
from config.telemetry.log import configure_logging
from sms_port.ledger.messages import Lane, Owed, owe
from sms_port.links.link import Dispatch
from sms_port.message_reference import build_reference
from sms_port.models import State, message
from sms_port.sandbox.cmpp_gateway import CmppGateway, Play
from sms_port.segments import compose_parts
from sms_port.sending.gateway import Gateway, run
from sms_port.sending.link_pool import LinkPool
from tests.bench.instances import MASTER_KEY
from tests.support.factories import make_schema, prepare
from tests.support.servers import mariadb_server, redis_server, serve, wait_until

MESSAGES, CODES, QUEUED, ROUNDS = 3_000, 100, 10_000, 3
REPLY = "【一证通查】您11月22日查询的138****8000，关联账号数量：微信2个，QQ1个。本短信不带链接。"
LONG = REPLY + "有疑问请看“解绑及明细查询”。" * 7


def far_side(pipe: Pipe, secret: str) -> None:
    """Both gateways, in a process of their own: they take everything and report nothing."""

    class Quiet(Play):
        def reports(self, part: object) -> tuple[str, ...]:
            return ()

    cmpp = CmppGateway(("127.0.0.1", 0), lambda source: [secret], lambda msg_id, part: None, Quiet())
    app = Flask("far side")

    @app.post("/sms/messages")
    def take() -> Response:
        items = request.get_json()["messages"]
        return jsonify(messages=[{"id": item["id"], "status": "accepted"} for item in items])

    with serve(app) as url:
        pipe.send((url, cmpp.port))
        pipe.recv()


@contextlib.contextmanager
def stage(directory: Path) -> Iterator[tuple[Ground, str, int]]:
    """A ground on a private MariaDB that flushes at each commit, and the far side's addresses."""
    with mariadb_server(directory, durable=True) as database, redis_server(directory) as redis_url:
        settings = {"ONECERT_DATABASE_URL": database, "ONECERT_REDIS_URL": redis_url, "ONECERT_MASTER_KEY": MASTER_KEY}
        ground = make_ground(load_settings(settings | {"ONECERT_DATA": str(directory), "ONECERT_LOG_LEVEL": "error"}))
        make_schema(ground.engine)
        prepare(ground)
        ours, theirs = multiprocessing.Pipe()
        secret = ground.secrets.get("cmpp.key")
        child = multiprocessing.get_context("spawn").Process(target=far_side, args=(theirs, secret), daemon=True)
        child.start()
        url, port = ours.recv()
        yield ground, url, port
        ours.send(None)
        child.join(5)


def send_over(ground: Ground, driver: str, url: str, port: int) -> None:
    """Switch to one of the two links, without a limit of limiter."""
    head, main, cmpp = ground.catalogues.document().split("[[links]]")
    on, off = ("false", "true") if driver == "cmpp" else ("true", "false")
    for old, new in (("true", on), ("false", on)):
        main = main.replace(f"enabled = {old}", f"enabled = {new}", 1)
    cmpp = cmpp.replace("enabled = true", f"enabled = {off}", 1).replace("enabled = false", f"enabled = {off}", 1)
    cmpp = cmpp.replace('"{sandbox-cmpp}"', f'"cmpp://127.0.0.1:{port}"').replace("= 2000", "= 100000")
    document = "[[links]]".join((head, main.replace('"{sandbox}/sms"', f'"{url}/sms"'), cmpp))
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "benchmark", "benchmark", ground.clock.now())


def owe_many(ground: Ground, count: int, text: str, lane: Lane = Lane.REPLY) -> None:
    """Owe so many messages to different numbers."""
    for start in range(0, count, 500):
        size = min(500, count - start)
        with begin(ground.engine) as db:
            owe(db, ground, [Owed(secrets.token_bytes(16), lane, f"139{start + n:08d}", text) for n in range(size)])


def left(ground: Ground) -> int:
    """Return how many messages are not with the gateway yet."""
    with reading(ground.engine) as db:
        return int(db.scalar(select(func.count()).where(message.c.state < State.ACCEPTED)) or 0)


def rate(ground: Ground, text: str) -> float:
    """Messages a second through the ledger."""
    owe_many(ground, MESSAGES, text)
    gateway = Gateway(ground, lambda db, outcomes: None)
    gateway.pool.wait_ready(5)
    begun = time.perf_counter()
    while left(ground):
        gateway.send(Lane.REPLY)
    spent = time.perf_counter() - begun
    gateway.pool.close()
    return MESSAGES / spent


def wire_rate(ground: Ground, driver: str, text: str) -> float:
    """Messages a second over the link alone."""
    pool = LinkPool(ground, lambda db, outcomes: None)
    entry = next(entry for entry in ground.catalogues.current().links if entry.driver == driver)
    link = pool.link(entry)
    link.wait_ready(5)
    parts = compose_parts(text, "【一证通查】", "ours")
    until = ground.clock.now() + 3_600_000

    def batch() -> list[Dispatch]:
        names = [build_reference(secrets.token_bytes(16), 1) for _ in range(entry.batch_size)]
        return [Dispatch(name, "10699000", "13900000000", parts, until) for name in names]

    batches = [batch() for _ in range(MESSAGES // entry.batch_size)]
    begun = time.perf_counter()
    for one in batches:
        link.send(one)
    spent = time.perf_counter() - begun
    pool.close()
    return MESSAGES / spent


def code_p99(ground: Ground) -> float:
    """Milliseconds until a code is with the gateway while replies are queued, 99th percentile."""
    owe_many(ground, QUEUED, REPLY)
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(ground, lambda db, outcomes: None, stop))
    thread.start()
    wait_until(lambda: left(ground) < QUEUED)
    times = sorted(_one_code(ground) for _ in range(CODES))
    queued = left(ground)
    stop.set()
    thread.join()
    with begin(ground.engine) as db:
        db.execute(message.delete())
    return times[int(CODES * 0.99) - 1] if queued else times[-1]


def _one_code(ground: Ground) -> float:
    number = secrets.token_bytes(16)
    with begin(ground.engine) as db:
        owe(db, ground, [Owed(number, Lane.CODE, "13800138000", REPLY)])
    begun = time.perf_counter()
    ground.bell.notify_gateway()
    with ground.engine.connect() as db:
        state = select(message.c.state).where(message.c.id == number)
        while db.execute(state).scalar_one() < State.ACCEPTED:
            db.rollback()
            time.sleep(0.002)
    return (time.perf_counter() - begun) * 1000


def median(measure_once: Callable[[], float]) -> float:
    """The median of `ROUNDS` rounds."""
    return round(statistics.median(measure_once() for _ in range(ROUNDS)), 1)


def measure() -> dict[str, float]:
    """Per link: the ledger's rate, that of three parts, and the wire's; and how long a code waits (CMPP)."""
    configure_logging("error")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name, stage(Path(name)) as (ground, url, port):
        for driver in ("http", "cmpp"):
            send_over(ground, driver, url, port)
            found[f"{driver}_per_second"] = median(lambda: rate(ground, REPLY))
            found[f"{driver}_3_parts_per_second"] = median(lambda: rate(ground, LONG))
            found[f"{driver}_wire_per_second"] = median(lambda driver=driver: wire_rate(ground, driver, REPLY))  # type: ignore[misc]
        found["code_p99_ms"] = median(lambda: code_p99(ground))
    return found
