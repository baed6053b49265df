"""Citizens who write to the port number: TD stops codes, 恢复 undoes it, anything else gets help once a day."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from sqlalchemy import Connection, select

from config.db.engine import reading
from config.ground import Ground
from config.times.clock import FixedClock
from query.intake.codes import request_code
from sms_port.ledger.inbound import ANSWERS_A_DAY, DAY_MS, Inbound, TextAnswer, is_opted_out, opt_outs, record_texts
from sms_port.models import Intent, inbound, inbound_segment, message, opt_out
from sms_port.sending.gateway import send_due
from sms_port.text_coding import Segment
from tests.sms_port.messages import PHONE, REPLY, News, Sandbox, make_reply, owe_all

OUT = "【一证通查】已停止向您的手机发送验证码，您暂时无法发起查询；已受理的查询仍会答复。如需恢复，请回复“恢复”。"
IN = "【一证通查】已恢复。可以重新用本机号码获取验证码和查询。"


def received(sandbox: Sandbox) -> list[str]:
    return [one["text"] for one in requests.get(f"{sandbox.url}/messages", {"phone": PHONE}, timeout=60).json()]


def write(ground: Ground, text: str, name: str) -> None:
    record_texts(ground, [Inbound("main", name, PHONE, "10699000", text)])


def test_stopping_is_recorded_confirmed_once_and_undone(
    ground: Ground, sandbox: Sandbox, news: News, clock: FixedClock
) -> None:
    for name in ("a", "b"):
        write(ground, "TD", name)
    send_due(ground, news)
    assert received(sandbox) == [OUT]
    with reading(ground.engine) as db:
        assert is_opted_out(db, ground, PHONE)
    assert opt_outs(ground) == [{"phone": "138****8000", "link": "main", "at": clock.now()}]
    for name in ("c", "d"):
        write(ground, "恢复", name)
    send_due(ground, news)
    assert received(sandbox) == [OUT, IN]
    assert opt_outs(ground) == []


def test_a_text_that_comes_twice_counts_once(ground: Ground, news: News) -> None:
    write(ground, "TD", "a")
    write(ground, "恢复", "b")
    write(ground, "TD", "a")
    with reading(ground.engine) as db:
        assert not is_opted_out(db, ground, PHONE)
        assert len(db.execute(select(inbound)).all()) == 2


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # SQLite has one writer at a time
@pytest.mark.parametrize("other", [("a", "TD"), ("b", "T")], ids=["the-same-text", "the-same-intent"])
def test_a_text_that_is_delivered_again_while_it_is_recorded_counts_once(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, other: tuple[str, str]
) -> None:
    name, text = other
    overtaken: list[object] = []

    def look_and_be_overtaken(db: Connection, *rest: Any) -> bool:
        stopped = is_opted_out(db, *rest)
        if not overtaken:
            overtaken.append(True)
            write(ground, text, name)
        return stopped

    monkeypatch.setattr("sms_port.ledger.inbound.is_opted_out", look_and_be_overtaken)
    write(ground, "TD", "a")
    monkeypatch.undo()
    with reading(ground.engine) as db:
        assert len(db.execute(select(opt_out)).all()) == 1
        assert len(db.execute(select(inbound)).all()) == len({"a", name})
        assert len(db.execute(select(message)).all()) == 1, "confirmed once"


def test_without_a_name_the_same_words_within_a_day_are_one_text(ground: Ground, clock: FixedClock) -> None:
    write(ground, "TD", "")
    write(ground, "TD", "")
    with reading(ground.engine) as db:
        assert len(db.execute(select(inbound)).all()) == 1
    clock.advance(DAY_MS)
    write(ground, "TD", "")
    with reading(ground.engine) as db:
        assert len(db.execute(select(inbound)).all()) == 2


def test_help_is_sent_at_most_once_a_day(ground: Ground, sandbox: Sandbox, news: News, clock: FixedClock) -> None:
    for name in ("a", "b", "c"):
        write(ground, "我要查询", name)
    send_due(ground, news)
    assert len(received(sandbox)) == 1
    clock.advance(DAY_MS)
    write(ground, "我要查询", "d")
    send_due(ground, news)
    assert len(received(sandbox)) == 2
    assert {text.count("TD") for text in received(sandbox)} == {1}


def test_whoever_makes_up_senders_cannot_flood_a_phone_with_answers(ground: Ground, clock: FixedClock) -> None:
    def answers() -> int:
        with reading(ground.engine) as db:
            return len(db.execute(select(message)).all())

    for name in range(20):
        write(ground, ("TD", "恢复", "您好")[name % 3], str(name))
    assert answers() == ANSWERS_A_DAY
    with reading(ground.engine) as db:
        assert not is_opted_out(db, ground, PHONE), "what was wanted last is done all the same"
    clock.advance(DAY_MS)
    write(ground, "TD", "the next day")
    assert answers() == ANSWERS_A_DAY + 1


def test_a_number_that_opted_out_gets_the_usual_answer_and_no_code_but_its_reply(
    ground: Ground, sandbox: Sandbox, news: News
) -> None:
    owe_all(ground, make_reply())
    usual = request_code(ground, service="internet-accounts", phone="13900139000", owner=b"o" * 32)
    write(ground, "TD", "a")
    answer = request_code(ground, service="internet-accounts", phone=PHONE, owner=b"o" * 32)
    assert (answer.expires_in, answer.resend_after) == (usual.expires_in, usual.resend_after)
    send_due(ground, news)
    assert set(received(sandbox)) == {REPLY, OUT}
    write(ground, "恢复", "b")
    request_code(ground, service="internet-accounts", phone=PHONE, owner=b"o" * 32)
    send_due(ground, news)
    assert "验证码" in received(sandbox)[-2] + received(sandbox)[-1]


def test_a_text_that_somebody_knows_is_answered_by_them_and_counts_in_the_days_five(
    ground: Ground, sandbox: Sandbox, news: News
) -> None:
    heard: list[str] = []
    committed: list[str] = []

    def on_text(db: Connection, text: Inbound) -> TextAnswer | None:
        heard.append(text.text)
        words = {"1": "【一证通查】已记下。", "2": ""}.get(text.text)
        return TextAnswer(words, lambda: committed.append(text.text)) if words is not None else None

    for number, text in enumerate(["1", "2", "TD", "hello", "1", "1", "1"]):
        record_texts(ground, [Inbound("main", f"t{number}", PHONE, "10699000", text)], on_text)
    send_due(ground, news)
    assert heard == ["1", "2", "hello", "1"]  # five had an answer then
    assert committed == ["1", "2", "1"]
    assert received(sandbox).count("【一证通查】已记下。") == 2
    assert OUT in received(sandbox)


def test_neither_text_nor_number_is_kept(ground: Ground) -> None:
    write(ground, "我的号码是13800138000", "a")
    write(ground, "TD", "b")
    with reading(ground.engine) as db:
        kept = [tuple(row) for table in (inbound, opt_out, message) for row in db.execute(select(table))]
    assert "13800138000" not in repr(kept)
    assert b"13800138000" not in b"".join(cell for row in kept for cell in row if isinstance(cell, bytes))


def write_part(ground: Ground, text: str, number: int, total: int = 2, reference: int = 7) -> None:
    record_texts(ground, [Inbound("main", "", PHONE, "10699000", text, Segment(reference, total, number))])


def texts_kept(ground: Ground) -> list[Intent]:
    with reading(ground.engine) as db:
        return [Intent(one) for one in db.scalars(select(inbound.c.intent).order_by(inbound.c.at))]


def test_a_reference_that_a_phone_uses_again_begins_a_new_text(ground: Ground) -> None:
    """A phone counts to 255: what is left of an earlier long text is never joined with a later one."""
    write_part(ground, "我想知道", 1, 3)
    write_part(ground, "怎样办理", 2, 3)  # the third is lost
    write_part(ground, "请帮我", 1, 3)
    write_part(ground, "退订", 3, 3)
    assert texts_kept(ground) == []
    write_part(ground, "全部短信", 2, 3)
    assert texts_kept(ground) == [Intent.OPT_OUT]
    with reading(ground.engine) as db:
        assert db.execute(select(inbound_segment)).all() == []


@pytest.mark.parametrize("order", [(2, 1), (1, 1, 2), (2, 1, 2, 1), (1, 2, 1, 2)])
def test_parts_out_of_order_and_repeated_are_one_text(ground: Ground, order: tuple[int, ...]) -> None:
    for number in order:
        write_part(ground, ("我要", "退订")[number - 1], number)
    assert texts_kept(ground) == [Intent.OPT_OUT]


@pytest.mark.parametrize("text", ["TD\ud83d", "\udc09TD", "T\ud9f2D", "退订\ud83d\ude00\ud83d"])
@pytest.mark.parametrize("name", ["", "a"])
def test_half_an_emoji_hides_no_intent(ground: Ground, text: str, name: str) -> None:
    """Found by ten minutes of mutated frames: the text could not be encoded, and was dropped as unstorable."""
    write(ground, text, name)
    assert texts_kept(ground) == [Intent.OPT_OUT]
