"""Events of companies in an idle system: milliseconds from the company's call to the alert at the gateway."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from config.times.formats import rfc3339
from enterprises.sandbox.callbacks import signed_answer
from query.requests.models import request
from query.requests.store import RequestState
from query.watches.models import watch
from tests.bench.instances import embedded, ground_of, on_mariadb
from tests.support.instances import Instance
from tests.support.servers import wait_until

EVENTS, ROUNDS = 20, 3

numbers = itertools.count(13_880_000_000)


def turn_on(instance: Instance, phone: str) -> None:
    """Turn alerts on by text; the SMS that confirms it is the first message."""
    url = f"{instance.sandbox_url}/phone/{phone}/texts"
    requests.post(url, json={"text": "提醒"}, timeout=60).raise_for_status()
    instance.wait_for_messages(phone, 1)


def watched(ground: Ground, phone: str) -> str | None:
    """The id under which the company knows the watch, once it has taken it."""
    mine = (request.c.kind == "watch", request.c.application == "weixin", request.c.state == RequestState.DONE)
    wanted = select(request.c.id).join(watch, watch.c.id == request.c.owner)
    with reading(ground.engine) as db:
        number = db.execute(wanted.where(*mine, watch.c.live_index == ground.keys.phone_index(phone))).scalar()
    return number.hex() if number is not None else None


def one(instance: Instance, ground: Ground) -> float:
    """Milliseconds from the moment before the event is sent to the moment the gateway had the alert."""
    phone = str(next(numbers))
    turn_on(instance, phone)
    wait_until(lambda: watched(ground, phone) is not None)
    at = rfc3339(ground.clock.now())
    told = {"event": str(uuid.uuid4()), "id": watched(ground, phone), "application": "weixin", "change": 1, "at": at}
    partner, url = ground.catalogues.current().partner("tencent"), f"{instance.url}/partners/tencent/events"
    assert partner is not None
    body, headers = signed_answer(ground, url, partner, {"items": [told]})
    began = time.time()
    requests.post(url, data=body, headers=headers, timeout=60).raise_for_status()
    alert = instance.wait_for_messages(phone, 2)[-1]
    assert "新关联" in alert["text"]
    return (datetime.fromisoformat(alert["received_at"]).timestamp() - began) * 1000


def measure() -> dict[str, dict[str, Any]]:
    """Per database: the medians over `ROUNDS` rounds of p50 and p99."""
    found: dict[str, list[list[float]]] = {"sqlite": [], "mariadb": []}
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:
        directory = Path(name)
        with (
            embedded(directory / "sqlite") as sqlite,
            on_mariadb(directory / "mariadb") as mariadb,
            ground_of(sqlite) as first,
            ground_of(mariadb) as second,
        ):
            for _ in range(ROUNDS):
                found["sqlite"].append(sorted(one(sqlite, first) for _ in range(EVENTS)))
                found["mariadb"].append(sorted(one(mariadb, second) for _ in range(EVENTS)))
    return {database: _middle(turns) for database, turns in found.items()}


def _middle(turns: list[list[float]]) -> dict[str, Any]:
    p50 = statistics.median(statistics.median(times) for times in turns)
    p99 = statistics.median(times[int(len(times) * 0.99) - 1] for times in turns)
    return {"p50_ms": round(p50, 1), "p99_ms": round(p99, 1)}
