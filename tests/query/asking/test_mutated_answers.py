"""Spoilt answers on their whole way: the real client, a real server, the tables. No crash and no wrong state."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from config.catalogue.edit import set_partner_enabled
from config.db.engine import begin, reading
from config.ground import Ground
from query.inquiry import Outcome, State
from query.models import inquiry
from sms_port.ledger.payload import open_payload
from sms_port.models import message
from tests.bench.arrivals import new_row
from tests.enterprises.mutations import BATCH, VALID_COUNTS, VALID_VERDICTS, believed, mutated
from tests.query.partner_stub import Body, Partners, work

numbers = itertools.count(1000)
NAMES = {"weixin": "微信", "qq": "QQ"}
hundred = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema: what is tested here is the same on both servers."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


@pytest.fixture
def alone(ground: Ground) -> Ground:
    """A Ground in which Tencent is the only enterprise."""
    document = ground.catalogues.document()
    for partner in ground.catalogues.current().enterprises()[1:]:
        document = set_partner_enabled(document, partner.code, False)
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "tencent alone", "test", ground.clock.now())
    return ground


def three(ground: Ground) -> dict[str, bytes]:
    """Three accepted inquiries of china-mobile's, as items `a`, `b` and `c`."""
    rows = [{**new_row(ground, next(numbers) * 3), "state": State.CHECKING} for _ in range(3)]
    assert {row["waiting_for"] for row in rows} == {"china-mobile"}
    with begin(ground.engine) as db:
        db.execute(insert(inquiry), rows)
    return dict(zip("abc", sorted(row["id"] for row in rows), strict=True))


def answer_by(body: bytes, items: dict[str, bytes]) -> Callable[[Body], bytes]:
    """The body with the batch and the ids of the question in place of those of the strategy."""

    def give_answer(asked: Body) -> bytes:
        answer_given = body.replace(BATCH.encode(), str(asked["batch"]).encode())
        for name, number in items.items():
            answer_given = answer_given.replace(f'"{name}"'.encode(), f'"{number.hex()}"'.encode())
        return answer_given

    return give_answer


def sent(body: bytes, name: str) -> list[dict[str, Any]]:
    """Return the items of the spoilt body about a name, as the standard library alone reads it."""
    try:
        return [item for item in believed(body) if item.get("id") == name]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def found(ground: Ground, number: bytes) -> tuple[Any, str]:
    """The inquiry's row, and the reply it owes."""
    with reading(ground.engine) as db:
        row = db.execute(select(inquiry).where(inquiry.c.id == number)).one()
        sms = db.execute(select(message).where(message.c.id == number)).one_or_none()
    return row, open_payload(ground.keys, number, sms.sealed).text if sms else ""


@hundred
@given(body=mutated(VALID_COUNTS))
def test_counts(alone: Ground, partners: Partners, body: bytes) -> None:
    redis.Redis.flushall(alone.redis)  # a breaker that opened would ask nothing
    items = three(alone)
    partners.bodies["tencent"] = answer_by(body, items)
    work(alone)
    for name, number in items.items():
        row, text = found(alone, number)
        answer_given = dict(re.findall(r"(微信|QQ)(\d+)个", text))
        if row.state == State.ASKING:
            assert not text
            continue
        assert row.state == State.REPLYING
        assert (row.outcome == Outcome.ANSWERED) == (set(answer_given) == set(NAMES.values()))
        counts = [item["counts"] for item in sent(body, name) if isinstance(item.get("counts"), dict)]
        for code, shown in NAMES.items():
            assert shown not in answer_given or int(answer_given[shown]) in [one[code] for one in counts if code in one]
        assert answer_given or any(item.get("error") == "refused" for item in sent(body, name))


@hundred
@given(body=mutated(VALID_VERDICTS), word=st.sampled_from(["match", "mismatch", "inactive"]))
def test_verdicts(alone: Ground, partners: Partners, body: bytes, word: str) -> None:
    redis.Redis.flushall(alone.redis)
    items, body = three(alone), body.replace(b'"match"', f'"{word}"'.encode())
    partners.bodies = {"china-mobile": answer_by(body, items)}
    for carrier in ("china-unicom", "china-telecom", "china-broadnet"):
        partners.plays[carrier] = lambda item, asked: {"error": "retry"}
    work(alone)
    for name, number in items.items():
        row, _ = found(alone, number)
        sms_text = [item.get("verdict", item.get("error")) for item in sent(body, name)]
        if row.state == State.CHECKING:
            # Still owed, or passed on to a carrier that has not answered.
            assert row.carriers_tried in ("", "china-mobile")
            assert row.carriers_tried == "" or "not_ours" in sms_text
        elif row.outcome == Outcome.UNSUCCESSFUL:
            assert {"mismatch", "inactive", "refused"} & {one for one in sms_text if isinstance(one, str)}
        else:
            assert "match" in sms_text
