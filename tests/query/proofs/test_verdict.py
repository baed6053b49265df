"""Replies that carry a code, from the inquiry to the verdict on what somebody shows."""

from __future__ import annotations

import re
from secrets import choice

import pytest
from sqlalchemy import delete, text

from config.crypto.content_keys import content_key
from config.db.engine import begin, reading
from config.errors import KeysUnavailable
from config.ground import Ground
from config.times.clock import FixedClock
from config.times.formats import shanghai
from query.inquiry import DAY
from query.proofs.code import LETTERS, SIGNS
from query.proofs.verdict import ShownCounts, Verdict, verify_counts, verify_text
from query.upkeep.key_lives import tend_keys
from query.upkeep.sweep import sweep
from tests.conftest import on_sqlite
from tests.query.partner_stub import PHONE, Partners, accept, replies, retry, rows, work


def reply_for(ground: Ground, audience: str | None = "tencent", phone: str = PHONE) -> str:
    accepted = accept(ground, phone, audience=audience)
    work(ground)
    return replies(ground)[accepted.reference].text


def test_a_reply_for_an_audience_carries_a_code_that_is_right(ground: Ground) -> None:
    shown = reply_for(ground)
    assert re.search("。仅供腾讯客服核实，核验码[0-9A-Z]{4}-[0-9A-Z]{4}。[^。]+。$", shown)
    assert verify_text(ground, shown) is Verdict.MATCH
    assert rows(ground)[0].audience is None


def test_without_an_audience_there_is_none(ground: Ground) -> None:
    shown = reply_for(ground, None)
    assert "核验码" not in shown
    assert verify_text(ground, shown) is Verdict.NO_MATCH


@on_sqlite
def test_what_was_altered_does_not_match(ground: Ground) -> None:
    shown = reply_for(ground, "police")
    assert "仅供公安机关核实" in shown
    count = re.findall(r"微信([0-9]+)个", shown)[0]
    altered = [
        shown.replace(f"微信{count}个", f"微信{int(count) + 1}个"),
        shown.replace("8000", "8001"),
        shown.replace("公安机关", "腾讯客服"),
        re.sub("核验码.", lambda found: "核验码" + ("A" if found[0][-1] != "A" else "B"), shown),
    ]
    assert {verify_text(ground, one) for one in altered} == {Verdict.NO_MATCH}


@on_sqlite
def test_a_company_verifies_by_counts_in_any_order(ground: Ground) -> None:
    shown = reply_for(ground)
    names = {one.name.zh: one.code for each in ground.catalogues.current().enterprises() for one in each.applications}
    told = {names[name]: int(count) for name, count in re.findall("[：，]([^，：0-9]+)([0-9]+)个", shown)}
    code = re.findall("核验码([0-9A-Z-]{9})", shown)[0]
    day = shanghai(ground.clock.now()).date().isoformat()
    right = ShownCounts(day, "138****8000", "tencent", dict(reversed(told.items())), code.lower())
    assert verify_counts(ground, right) is Verdict.MATCH
    for wrong in (
        ShownCounts(day, "138****8000", "jd", told, code),
        ShownCounts(day, "138****8000", "nobody", told, code),
        ShownCounts("2026-13-40", "138****8000", "tencent", told, code),
        ShownCounts(day, "138****8000", "tencent", {**told, "weixin": told["weixin"] + 1}, code),
        ShownCounts(day, "138****8000", "tencent", {}, code),
    ):
        assert verify_counts(ground, wrong) is Verdict.NO_MATCH


@on_sqlite
def test_a_partial_reply_and_its_silent_companies_are_part_of_it(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = retry
    accepted = accept(ground, audience="tencent")
    for _ in range(3):
        work(ground)
        clock.advance(2 * 3_600_000)
        sweep(ground)
    work(ground)
    shown = replies(ground)[accepted.reference].text
    assert "京东暂未反馈" in shown
    assert verify_text(ground, shown) is Verdict.MATCH
    assert verify_text(ground, shown.replace("京东暂未反馈", "美团暂未反馈")) is Verdict.NO_MATCH


@on_sqlite
def test_after_thirty_days_it_is_expired_and_then_the_key_is_gone(ground: Ground, clock: FixedClock) -> None:
    shown = reply_for(ground)
    clock.advance(30 * DAY)
    assert verify_text(ground, shown) is Verdict.MATCH
    clock.advance(DAY)
    assert verify_text(ground, shown) is Verdict.EXPIRED
    first = {row.id for row in rows(ground, content_key) if row.kind == "proof"}
    for _ in range(3):
        clock.advance(31 * DAY)
        tend_keys(ground)
    assert not first & {row.id for row in rows(ground, content_key)}


@on_sqlite
def test_without_a_key_nothing_is_said_and_no_reply_waits(ground: Ground) -> None:
    shown = reply_for(ground)
    with begin(ground.engine) as db:
        db.execute(delete(content_key).where(content_key.c.kind == "proof"))
    ground.keys.check()
    with pytest.raises(KeysUnavailable):
        verify_text(ground, shown)
    assert "核验码" not in reply_for(ground, phone="13800138001")


@on_sqlite
def test_random_codes_are_never_right_and_nothing_of_a_code_is_stored(ground: Ground) -> None:
    shown = reply_for(ground)
    code = re.findall("核验码([0-9A-Z]{4})-([0-9A-Z]{4})", shown)[0]
    for _ in range(1000):
        guess = "".join(choice(LETTERS) for _ in range(SIGNS))
        assert verify_text(ground, re.sub("核验码.{9}", f"核验码{guess}", shown)) is Verdict.NO_MATCH
    with reading(ground.engine) as db:
        tables = db.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        kept = [cell for table in tables for row in db.execute(text(f'select * from "{table}"')) for cell in row]  # noqa: S608
    assert "".join(code) not in repr(kept)
    assert "".join(code).encode() not in b"".join(cell for cell in kept if isinstance(cell, bytes))
