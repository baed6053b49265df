"""A wave of 500 put to a partner: built, signed, sealed, sent, parsed, recorded. Inquiries a second, and each stage."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from werkzeug.wrappers import Request, Response

from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign
from config.db.engine import begin, transact
from config.ground import Ground, make_ground
from config.settings import load_settings
from config.telemetry.log import configure_logging
from enterprises.client import ask
from enterprises.content import SEALED_TYPE
from enterprises.protocol import Item, build_request, parse_answer
from enterprises.sealed_body import open_body, seal_body
from query.inquiry import new_inquiry_id
from query.services import times_of
from query.waves.answers import stored_answer
from query.waves.questions import COUNT, Lease, add_question
from query.waves.record import record
from query.waves.wave_ids import wave_ids
from query.waves.waves import Stage, Wave, add_wave
from tests.support.factories import make_schema, prepare
from tests.support.servers import redis_server, serve

WAVE, ROUNDS = 500, 7
SECRET = "a-secret-for-the-benchmark-only-0123"
SERVICE = "internet-accounts"


@contextmanager
def grounded() -> Iterator[Ground]:
    """A Ground on a fresh SQLite database and a private Redis; nothing is logged, as at the production level."""
    configure_logging("warning")
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name, redis_server(Path(name)) as redis_url:
        path = Path(name) / "onecert.db"
        settings = load_settings(
            {
                "ONECERT_DATABASE_URL": f"sqlite:///{path}",
                "ONECERT_REDIS_URL": redis_url,
                "ONECERT_DATA": name,
                "ONECERT_MASTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
            }
        )
        ground = make_ground(settings)
        make_schema(ground.engine)
        redis.Redis.flushall(ground.redis)
        prepare(ground)
        yield ground
        ground.redis.close()
        ground.engine.dispose()
        shutil.rmtree(name, ignore_errors=True)


def counting(seal: str) -> Any:
    """A partner that counts two applications for every item, sealed or not, and checks nothing."""

    @Request.application
    def answer(request: Request) -> Response:
        body = request.get_data()
        question = json.loads(body if seal == "none" else open_body(seal, [SECRET], body))
        items = [{"id": item["id"], "counts": {"weixin": 2, "qq": 1}} for item in question["items"]]
        body_given = json.dumps({"batch": question["batch"], "items": items}).encode()
        if seal == "none":
            return Response(body_given, content_type="application/json")
        return Response(seal_body(seal, SECRET, "bench", body_given), content_type=SEALED_TYPE)

    return answer


def made_wave(ground: Ground) -> tuple[Wave, Lease, list[Item]]:
    """A stored wave of 500 with its question to Tencent leased to us."""
    now = ground.clock.now()
    members = tuple(new_inquiry_id(now) for _ in range(WAVE))
    phones = tuple(f"138{place:08}" for place in range(WAVE))
    made = Wave(wave_ids.new(now), SERVICE, Stage.COUNT, 1, None, members, phones, None, now)

    def store(db: Any) -> None:
        add_wave(db, ground, made, times_of(ground.catalogues.current(), SERVICE))
        add_question(db, made.id, SERVICE, ["tencent"], COUNT, WAVE, now=now, leases={"tencent": now + 60_000})

    transact(ground.engine, store)
    items = [Item(member.hex(), phone=phone) for member, phone in zip(members, phones, strict=True)]
    return made, Lease("tencent", COUNT, SERVICE, {made.id: 1}, now + 60_000), items


def ms(work: Callable[[], Any]) -> float:
    """Milliseconds that this takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def stages(ground: Ground, partner: Partner) -> dict[str, float]:
    """Milliseconds of each stage of one wave, the call itself without the server's own work left in `sent`."""
    _, lease, items = made_wave(ground)
    found: dict[str, float] = {}
    whole: list[Any] = []
    found["whole"] = ms(lambda: whole.append(ask(ground, partner, COUNT, SERVICE, items, ground.clock.now() + 60_000)))
    (answers,) = whole
    stored = {bytes.fromhex(item): stored_answer(answer) for item, answer in answers.by_id.items()}
    found["recorded"] = ms(lambda: record(ground, lease, stored))
    body: list[bytes] = []
    found["built"] = ms(lambda: body.append(build_request("b", COUNT, SERVICE, 0, items)))
    sealed = body[0]
    if partner.seal != "none":
        found["sealed"] = ms(lambda: body.append(seal_body(partner.seal, SECRET, "bench", sealed)))
    terms: dict[str, Any] = {"content_type": "application/json", "key_id": "bench", "secret": SECRET}
    found["signed"] = ms(lambda: sign("POST", "http://x/v1", body[-1], now=ground.clock.now(), **terms))
    body_given = {"batch": "b", "items": [{"id": item.id, "counts": {"weixin": 2, "qq": 1}} for item in items]}
    plain, ids = json.dumps(body_given).encode(), [item.id for item in items]
    if partner.seal != "none":
        closed = seal_body(partner.seal, SECRET, "bench", plain)
        found["opened"] = ms(lambda: open_body(partner.seal, [SECRET], closed))
    known = {"weixin", "qq"}
    found["parsed"] = ms(lambda: parse_answer(plain, batch="b", asked=ids, kind=COUNT, applications=known))
    ours = sum(found[name] for name in ("built", "sealed", "signed", "opened", "parsed") if name in found)
    found["sent"] = max(found["whole"] - ours, 0)
    return found


def measure() -> dict[str, dict[str, float]]:
    """Per sealing: inquiries a second of one worker (asked and recorded), and the percentage of each stage."""
    body_given: dict[str, dict[str, float]] = {}
    with grounded() as ground:
        with begin(ground.engine) as db:
            ground.secrets.set(db, "tencent.key", SECRET, ground.clock.now())
        tencent = ground.catalogues.current().partner("tencent")
        assert tencent
        for seal in ("none", "A256GCM", "SM4GCM"):
            with serve(counting(seal)) as url:
                partner = tencent.model_copy(update={"base_url": url, "seal": seal})
                stages(ground, partner)  # warms up
                rounds = [stages(ground, partner) for _ in range(ROUNDS)]
            median = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
            total = median["whole"] + median["recorded"]
            shares = {f"{name}_pct": round(100 * took / total, 1) for name, took in median.items() if name != "whole"}
            body_given[seal] = {"inquiries_per_s": round(WAVE / total * 1000), **shares}
    return body_given
