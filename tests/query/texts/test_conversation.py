"""A citizen's texts become an inquiry: with one text, with two, over links whose senders can be made up."""

from __future__ import annotations

import random  # noqa: TID251  # a seed repeats a run
import re
from collections import Counter

import pytest
from sqlalchemy import select

from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import DAY, MINUTE
from query.intake.codes import request_code
from query.models import inquiry, last_inquiry
from query.texts.models import conversation
from query.texts.upkeep import erase_conversations
from query.wiring import record_text
from sms_port.ledger.inbound import Inbound, record_texts
from sms_port.ledger.payload import open_payload
from sms_port.models import inbound, message
from tests.conftest import on_sqlite
from tests.query.partner_stub import PHONE, Partners, rows, work

TAIL = "90713X"


class Texter:
    """A citizen at a phone: writes to the port number, and reads what comes back."""

    def __init__(self, ground: Ground, phone: str = PHONE) -> None:
        self.ground, self.phone, self.read = ground, phone, set[bytes]()

    def write(self, text: str, link: str = "main") -> list[str]:
        name = f"t{len(rows(self.ground, inbound))}"
        one = Inbound(link, name, self.phone, "10699000", text)
        record_texts(self.ground, [one], lambda db, told: record_text(self.ground, db, told))
        return self.news()

    def news(self) -> list[str]:
        fresh = [row for row in rows(self.ground, message) if row.id not in self.read]
        self.read |= {row.id for row in fresh}
        opened = [open_payload(self.ground.keys, row.id, row.sealed) for row in fresh]
        assert {one.phone for one in opened} <= {self.phone}
        return [one.text for one in opened]


@pytest.fixture
def citizen(ground: Ground) -> Texter:
    return Texter(ground)


def distrust(ground: Ground) -> None:
    document = ground.catalogues.document()
    changed = document.replace("trusted_sender = true", "trusted_sender = false")
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, changed, "links", "test", ground.clock.now())
    ground.catalogues.forget()


def test_two_texts_bring_the_counts_by_the_normal_pipeline(ground: Ground, citizen: Texter, partners: Partners) -> None:
    (asked,) = citizen.write("查账号")
    assert "请回复身份证号码后六位" in asked
    (accepted,) = citizen.write(TAIL.lower())
    assert "已受理" in accepted
    (row,) = rows(ground)
    assert (row.entrance, row.service) == ("sms", "internet-accounts")
    work(ground)
    assert "共关联" in citizen.news()[0]
    ((_, asked_of_carrier),) = [call for call in partners.calls if call[1]["kind"] == "identity"]
    assert asked_of_carrier["items"][0]["id_tail"] == TAIL
    assert rows(ground, conversation) == []


def test_one_text_is_enough_and_a_second_inquiry_is_not_begun(ground: Ground, citizen: Texter) -> None:
    assert "已受理" in citizen.write(f"查账号 {TAIL}")[0]
    assert "24小时内已查询过" in citizen.write("查账号 012345")[0]
    assert len(rows(ground)) == 1
    work(ground)
    assert "共关联" in citizen.news()[0]


@on_sqlite
def test_the_24_hours_are_the_same_as_on_the_page(ground: Ground, citizen: Texter, clock: FixedClock) -> None:
    citizen.write(f"查账号{TAIL}")
    clock.advance(DAY + 1)
    assert "已受理" in citizen.write(f"查账号{TAIL}")[0]
    assert len(rows(ground)) == 2


def test_a_link_whose_senders_can_be_made_up_needs_the_four_digits(
    ground: Ground, citizen: Texter, partners: Partners
) -> None:
    distrust(ground)
    (asked,) = citizen.write(f"查账号 {TAIL}")
    digits = re.findall("数字([0-9]{4})", asked)[0]
    wrong = f"{(int(digits) + 1) % 10_000:04d}"
    (again,) = citizen.write(f"{TAIL} {wrong}")
    fresh = re.findall("数字([0-9]{4})", again)[0]
    assert rows(ground) == rows(ground, last_inquiry) == []
    assert partners.calls == []
    assert "已受理" in citizen.write(f"{TAIL} {fresh}")[0]
    assert len(rows(ground)) == 1


@on_sqlite
def test_digits_asked_for_over_a_trusted_link_do_not_come_in_over_another(ground: Ground, citizen: Texter) -> None:
    citizen.write("查账号")
    distrust(ground)
    assert "和数字" in citizen.write(TAIL)[0]
    assert rows(ground) == []


@on_sqlite
def test_the_next_text_is_waited_for_ten_minutes(ground: Ground, citizen: Texter, clock: FixedClock) -> None:
    citizen.write("查账号")
    clock.advance(10 * MINUTE)
    assert "回复“查账号”" in citizen.write(TAIL)[0]  # the help text
    erase_conversations(ground)
    assert rows(ground) == rows(ground, conversation) == []


@on_sqlite
def test_what_is_wrong_is_said(ground: Ground, citizen: Texter) -> None:
    citizen.write("查账号")
    assert "还差1位" in citizen.write("90713")[0]
    assert "请只回复身份证号码最后六位" in citizen.write("11010519491231002X")[0]
    assert "请回复身份证号码后六位" in citizen.write("9O713X")[0]
    assert "已受理" in citizen.write(TAIL)[0]


@on_sqlite
def test_cards_are_told_the_way_and_nothing_is_kept(ground: Ground, citizen: Texter) -> None:
    assert "短信里不受理姓名和完整身份证号码" in citizen.write("查卡")[0]
    assert rows(ground, conversation) == []


@on_sqlite
def test_our_own_code_is_no_id(ground: Ground, citizen: Texter) -> None:
    request_code(ground, service="internet-accounts", phone=PHONE, owner=b"o" * 32)
    code = citizen.news()[0].partition("验证码")[2][:6]
    assert "请回复身份证号码后六位" in citizen.write(f"查账号 {code}")[0]
    assert rows(ground) == []


@on_sqlite
def test_who_has_stopped_codes_is_told_to_resume_first(ground: Ground, citizen: Texter) -> None:
    citizen.write("TD")
    assert "如需恢复" in citizen.write(f"查账号 {TAIL}")[0]
    assert rows(ground) == []
    citizen.write("恢复")
    assert "已受理" in citizen.write(f"查账号 {TAIL}")[0]


@on_sqlite
def test_a_number_gets_five_answers_a_day_and_no_inquiry_beyond(ground: Ground, citizen: Texter) -> None:
    for text in ("查账号", "1 2", "3 4", "5 6", "7 8"):
        assert len(citizen.write(text)) == 1
    assert citizen.write(f"查账号 {TAIL}") == []
    assert rows(ground) == []


@on_sqlite
@pytest.mark.parametrize("missing", ["service", "carriers", "texts"])
def test_without_a_service_a_carrier_or_its_texts_nothing_is_taken(
    ground: Ground, citizen: Texter, missing: str
) -> None:
    document = ground.catalogues.document()
    if missing == "service":
        document = document.replace('code = "internet-accounts"\n', 'code = "internet-accounts"\nenabled = false\n')
    elif missing == "carriers":
        document = document.replace('kind = "carrier"\n', 'kind = "carrier"\nenabled = false\n')
    else:
        document = "\n".join(line for line in document.splitlines() if not line.startswith("sms-"))
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, missing, "test", ground.clock.now())
    ground.catalogues.forget()
    assert "回复“查账号”" in citizen.write(f"查账号 {TAIL}")[0]  # the help text
    assert rows(ground) == []


@on_sqlite
def test_two_thousand_mutated_texts_make_no_error_no_second_inquiry_and_no_text_to_a_stranger(
    ground: Ground, clock: FixedClock
) -> None:
    rng = random.Random(16)  # noqa: S311
    seeds = [
        "查账号",
        f"查账号 {TAIL}",
        TAIL,
        "4071 90713X",
        "11010519491231002X",
        "查卡",
        "解绑",
        "提醒",
        "不是我1",
        "TD",
        "恢复",
    ]
    signs = "查账号卡0123456789Xx ，。\u200b\U0001f4f1OoTD\n\0Ａ９不回"
    phones = [f"1370000{place:04d}" for place in range(40)]
    for turn in range(2000):
        text = list(rng.choice(seeds))
        for _ in range(rng.randrange(4)):
            place = rng.randrange(len(text) + 1)
            text[place : place + rng.randrange(2)] = rng.choice(signs)
        one = Inbound("main", f"t{turn}", phones[turn % 40], "10699000", "".join(text))
        record_texts(ground, [one], lambda db, told: record_text(ground, db, told))
        clock.advance(1000)
    begun = [row.phone_index for row in rows(ground)]
    assert len(begun) == len(set(begun)) > 0
    written = Counter(open_payload(ground.keys, row.id, row.sealed).phone for row in rows(ground, message))
    assert set(written) <= set(phones)
    assert max(written.values()) <= 5


def test_no_digit_of_a_text_is_kept_in_clear(ground: Ground, citizen: Texter) -> None:
    citizen.write("查账号")
    citizen.write("11010519491231002X")
    citizen.write(TAIL)
    with reading(ground.engine) as db:
        tables = (inbound, message, conversation, inquiry)
        kept = [cell for table in tables for row in db.execute(select(table)) for cell in row]
    assert TAIL[:5] not in repr([cell for cell in kept if not isinstance(cell, bytes)])
    assert TAIL.encode() not in b"".join(cell for cell in kept if isinstance(cell, bytes))
    work(ground)
    assert rows(ground)[0].identity is None
