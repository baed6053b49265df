"""帮家人查 over the JSON door: one SMS to the relative, his own answer, and nothing that tells the helper about him."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from config.db.engine import reading
from config.ground import Ground
from config.times.clock import FixedClock
from query.errors import HelpsUsedUp
from query.helps.intake import parse_help, submit_help
from query.helps.models import help_offer
from query.helps.upkeep import tend_offers
from query.inquiry import DAY
from query.intake.codes import request_code
from query.models import inquiry
from query.wiring import record_text
from sms_port.ledger.inbound import Inbound, record_texts
from sms_port.models import inbound
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import Citizen, codes_owed, messages_owed, problem

HELPER, FATHER = "13912345678", "13800138000"
TAIL = "90713X"
OWNER = b"o" * 32


def offer(citizen: Citizen, relative: str = FATHER, helper: str = HELPER, code: str = "") -> TestResponse:
    code = code or citizen.receive_code(helper, "help")
    return citizen.call("POST", "/helps", {"helper": helper, "code": code, "relative": relative})


def write(ground: Ground, phone: str, text: str) -> None:
    texts = [Inbound("main", f"t{len(rows(ground, inbound))}", phone, "10699000", text)]
    record_texts(ground, texts, lambda db, told: record_text(ground, db, told))


def texts_to(ground: Ground, phone: str) -> list[str]:
    return [text for to, text in messages_owed(ground) if to == phone and "验证码" not in text]


def asked(ground: Ground, phone: str) -> int:
    return sum("想帮您查" in text for text in texts_to(ground, phone))


def rows(ground: Ground, table: Any = inquiry) -> list[Any]:
    with reading(ground.engine) as db:
        return list(db.execute(select(table)).all())


def test_a_relative_answers_with_his_own_six_and_is_told_alone(ground: Ground, citizen: Citizen) -> None:
    answer = offer(citizen)
    assert answer.status_code == 202, answer.text
    assert set(answer.get_json()) == {"reference"}
    (question,) = texts_to(ground, FATHER)
    assert "139****5678想帮您查" in question
    write(ground, FATHER, TAIL)
    assert any("已受理，结果用短信发到本机" in text for text in texts_to(ground, FATHER))
    (row,) = rows(ground)
    assert row.entrance == "help"
    assert texts_to(ground, HELPER) == ["【一证通查】您家人的查询已受理，结果只发到家人的手机。"]
    (kept,) = rows(ground, help_offer)
    assert kept.helper is None


@on_sqlite
def test_nothing_tells_the_helper_what_became_of_it(ground: Ground, citizen: Citizen, clock: FixedClock) -> None:
    """Agreed, refused, no answer, wants none, stopped codes, and no such number: the same bytes but the reference."""
    write(ground, "13800138004", "TD")
    offer(Citizen(ground, citizen.client), "13800138003", "13912345699")
    write(ground, "13800138003", "不要")
    fates = {FATHER: TAIL, "13800138001": "不要", "13800138002": "", "13800138003": "", "13800138004": ""}
    seen = set()
    for place, (relative, word) in enumerate({**fates, "19900000000": ""}.items()):
        answer = offer(Citizen(ground, citizen.client), relative, f"1391234567{place}")
        seen.add((answer.status_code, re.sub(rb"\d{12}", b"", answer.data), tuple(sorted(answer.headers.keys()))))
        if word:
            write(ground, relative, word)
    assert len(seen) == 1
    assert [asked(ground, phone) for phone in fates] == [1, 1, 1, 1, 0]
    clock.advance(7 * DAY)
    tend_offers(ground)
    told = [texts_to(ground, f"1391234567{place}") for place in range(6)]
    assert told[0] == ["【一证通查】您家人的查询已受理，结果只发到家人的手机。"]
    assert len({tuple(one) for one in told[1:]}) == 1
    assert "7天内没有收到回复" in told[1][0]
    assert all(row.helper is row.phone_index is None for row in rows(ground, help_offer))


@on_sqlite
def test_never_more_than_one_text_before_consent_and_the_limits_are_the_helpers_own(
    ground: Ground, citizen: Citizen, clock: FixedClock
) -> None:
    assert offer(citizen).status_code == 202
    clock.advance(61_000)
    problem(offer(citizen), 429, "help_too_soon")
    other = Citizen(ground, citizen.client)
    assert offer(other, helper="13912340000").status_code == 202  # he had one today: none is sent
    assert len(texts_to(ground, FATHER)) == 1


@on_sqlite
def test_a_helper_asks_three_relatives_a_day(ground: Ground, clock: FixedClock) -> None:
    def help_(relative: str) -> str:
        request_code(ground, service="help", phone=HELPER, owner=OWNER)
        code = codes_owed(ground, HELPER)[-1]
        clock.advance(1000)
        form = parse_help(ground, helper=HELPER, code=code, relative=relative, owner=OWNER)
        return submit_help(ground, form)

    assert len({help_(f"1380013800{place}") for place in range(3)}) == 3
    with pytest.raises(HelpsUsedUp):
        help_("13800138009")
    assert asked(ground, "13800138009") == 0


@on_sqlite
def test_no_means_never_again_until_he_takes_it_back(ground: Ground, citizen: Citizen, clock: FixedClock) -> None:
    offer(citizen)
    write(ground, FATHER, "不要")
    assert any("以后不会再收到" in text for text in texts_to(ground, FATHER))
    write(ground, FATHER, TAIL)
    assert rows(ground) == []
    clock.advance(DAY)
    offer(Citizen(ground, citizen.client), helper="13912340000")
    assert asked(ground, FATHER) == 1
    write(ground, FATHER, "恢复")
    clock.advance(DAY)
    offer(Citizen(ground, citizen.client), helper="13912340001")
    assert asked(ground, FATHER) == 2


@on_sqlite
def test_yes_alone_and_too_few_are_asked_on(ground: Ground, citizen: Citizen, clock: FixedClock) -> None:
    offer(citizen)
    for text, told in (("同意", "请回复您本人身份证号码后六位"), ("90713", "还差1位"), (TAIL, "已受理")):
        clock.advance(1000)
        write(ground, FATHER, text)
        assert any(told in one for one in texts_to(ground, FATHER))
    assert len(rows(ground)) == 1


@on_sqlite
def test_an_answer_after_seven_days_is_none(ground: Ground, citizen: Citizen, clock: FixedClock) -> None:
    offer(citizen)
    clock.advance(7 * DAY)
    write(ground, FATHER, TAIL)
    assert rows(ground) == []


@on_sqlite
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"relative": HELPER}, 422, "own_number"),
        ({"relative": "12345"}, 422, "relative_invalid"),
        ({"relative": "01062345678"}, 422, "relative_invalid"),
        ({"helper": "01062345678"}, 422, "phone_invalid"),
        ({"code": "12"}, 422, "code_invalid"),
        ({"id_tail": TAIL}, 400, "body_invalid"),
    ],
)
def test_what_is_wrong_is_refused_and_no_code_is_used(
    ground: Ground, citizen: Citizen, change: dict[str, str], status: int, code: str
) -> None:
    form = {"helper": HELPER, "code": citizen.receive_code(HELPER, "help"), "relative": FATHER}
    problem(citizen.call("POST", "/helps", {**form, **change}), status, code)
    assert texts_to(ground, FATHER) == []
    first, again = (citizen.call("POST", "/helps", form) for _ in range(2))
    assert (first.status_code, first.data) == (202, again.data)  # the same form once more: the same offer
    assert len(rows(ground, help_offer)) == 1


@on_sqlite
def test_a_code_for_another_service_is_none(ground: Ground, citizen: Citizen) -> None:
    citizen.ask_for_code(HELPER)
    (code,) = codes_owed(ground, HELPER)
    problem(offer(citizen, code=code), 422, "code_expired")
