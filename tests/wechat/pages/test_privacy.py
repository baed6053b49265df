"""The privacy notice against what is really stored and sent: a promise that the system does not keep fails here.

Source: review of texts, C3 to C5, faults A16.
"""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import LargeBinary

from config.db.engine import metadata
from config.ground import Ground
from enterprises.protocol import FIELDS, OPTIONAL_FIELDS
from query.helps.offers import OFFER_LIFE, PAIR_GAP
from query.inquiry import DAY, HOUR, INDEX_KEPT, MASKED_KEPT, MINUTE, PHONE_KEPT
from query.intake.codes import CODE_LIFE_S
from query.models import inquiry
from query.objections.rules.objection import ANSWER_WITHIN
from query.objections.rules.objection import KEPT as OBJECTION_KEPT
from query.texts.conversation import OPEN_MS
from query.upkeep.retention import CODE_KEPT, IDENTITY_KEPT
from sms_port.ledger.retention import SEGMENTS_KEPT_MS
from sms_port.models import message
from tests.wechat.forms import ACCOUNTS, hidden, post, receive_code
from wechat.pages.preferences import YEAR_S
from wechat.pages.rendering import KEPT_FOR
from wechat.pages.texts import LANGUAGES, load_texts

ID16 = 16
OURS = {"audit", "audit_head", "catalogue_version", "content_key", "data_key", "secret", "leader"}
"""Tables without anything of a citizen."""

PERSONAL = {
    "inquiry.phone": "phone",
    "inquiry.masked": "phone",
    "inquiry.contact": "phone",
    "inquiry.identity": "id",
    "inquiry.phone_index": "index",
    "inquiry.owner": "index",
    "inquiry.submission": "index",
    "inquiry.fingerprint": "index",
    "last_inquiry.phone_index": "index",
    "verification_code.phone_index": "code",
    "verification_code.owner": "code",
    "verification_code.mac": "code",
    "wave.phones": "phone",
    "wave.identities": "id",
    "wave.members": "index",
    "question.answers": "counts",
    "notice.person": "openid",
    "notice.openid": "openid",
    "message.fingerprint": "phone",
    "message.sealed": "counts",
    "part.phone_index": "index",
    "code_sent.phone_index": "index",
    "unmatched.phone_index": "index",
    "inbound.phone_index": "index",
    "inbound_segment.name": "segment",
    "inbound_segment.sealed": "segment",
    "opt_out.phone_index": "out",
    "opt_out.masked": "out",
    "objection.phone": "objection",
    "objection.masked": "objection",
    "objection.identity": "id",
    "objection.held": "objection",
    "objection.open_index": "objection",
    "objection.phone_index": "objection",
    "objection.owner": "objection",
    "objection.submission": "objection",
    "objection.fingerprint": "objection",
    "objection_quota.holder": "objection",
    "request.finding": "objection",
    "watch.phone": "watch",
    "watch.phone_index": "watch",
    "watch.live_index": "watch",
    "watch.owner": "watch",
    "watch_event.news": "watch",
    "watch_count.seen": "watch",
    "next_day_notice.phone": "nextday",
    "text_conversation.phone_index": "text",
    "text_conversation.echo": "text",
    "help_offer.helper": "help",
    "help_offer.phone_index": "help",
    "help_offer.holder": "help",
    "help_offer.pair": "help",
    "help_offer.slot": "help",
    "help_offer.submission": "help",
    "help_block.phone_index": "out",
}
"""Every sealed column and every mark of a person -> the row of the page on rights that tells how long it is kept."""

COOKIES = (
    "onecert",
    "onecert-view",
    "onecert-last",
    "onecert-draft",
    "onecert-probe",
    "onecert-size",
    "onecert-lang",
    "onecert-login",
)


def words(key: str, language: str = "zh-CN") -> str:
    return load_texts()[key][language].replace("|", "")


def test_everything_of_a_citizen_that_is_stored_is_in_the_notice() -> None:
    stored = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        if table.name not in OURS
        for column in table.columns
        if isinstance(column.type, LargeBinary) or "Binary" in repr(column.type).split("(")[0]
        if getattr(column.type, "length", None) != ID16
    }
    assert stored == set(PERSONAL), stored ^ set(PERSONAL)
    assert set(PERSONAL.values()) <= set(KEPT_FOR)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_times_of_the_notice_are_those_of_the_code(language: str) -> None:
    """Each figure is taken out of the text and compared with what erases."""
    hours, days = ("小时", "天") if language == "zh-CN" else ("hours?", "days")
    minutes = "分钟" if language == "zh-CN" else "minutes"

    def figure(key: str, unit: str, place: int = 0) -> int:
        found = re.findall(rf"(\d+) {unit}", words(key, language))
        assert found, (key, language)
        return int(found[place])

    assert figure("ri.k.id.t", hours) * HOUR == IDENTITY_KEPT
    assert figure("ri.k.counts.t", days) * DAY == figure("ri.k.phone.t", days) * DAY == PHONE_KEPT
    assert figure("ri.k.phone.t", hours) * HOUR == MASKED_KEPT
    assert figure("ri.k.code.t", hours) * HOUR == CODE_KEPT
    assert figure("ri.k.index.t", days) * DAY == INDEX_KEPT
    assert figure("ri.k.openid.t", days) == 7
    assert figure("ri.k.segment.t", hours) * HOUR == SEGMENTS_KEPT_MS
    assert figure("ri.k.text.t", minutes) * MINUTE == OPEN_MS
    assert figure("ri.k.help.t", days) * DAY == OFFER_LIFE
    assert figure("ri.k.help.t", days, 1) * DAY == PAIR_GAP
    assert figure("ri.k.objection.t", days) * DAY == ANSWER_WITHIN == OBJECTION_KEPT
    notice = words("privacy.long", language)
    for told in ("ri.k.id.t", "ri.k.phone.t", "ri.k.index.t", "ri.k.openid.t"):
        for number in re.findall(r"\d+", words(told, language)):
            assert re.search(rf"\b{number} ", notice), (told, number)
    assert figure("privacy.what", minutes) * 60 == CODE_LIFE_S
    assert YEAR_S == 365 * 24 * 3600 and ("1 年" if language == "zh-CN" else "1 year") in words(
        "privacy.cookies", language
    )


def test_what_partners_are_sent_is_what_the_notice_says() -> None:
    """A new field of a question fails here until the notice names its recipient."""
    told = {
        ("count", "internet-accounts"): ("phone", "held_since"),
        ("identity", "internet-accounts"): ("phone", "id_tail"),
        ("identity", "phone-cards"): ("phone", "name", "id_number"),
        ("count", "phone-cards"): ("name", "id_number"),
        ("tenure", "internet-accounts"): ("phone", "since"),
    }
    assert {kind: (*FIELDS[kind], *OPTIONAL_FIELDS.get(kind, ())) for kind in FIELDS} == told
    carriers, cards, companies, gateways, wechat = words("privacy.whom").split("\n")
    assert all(word in carriers for word in ("手机号码", "身份证号码后六位", "机主是否变化", "开启月份"))
    assert "姓名和身份证号码提供给全部电信企业" in cards
    assert "启用月份" in companies and "截止日期" in companies and "不提供身份证信息" in companies
    assert "短信内容" in gateways
    assert "受理编号" in wechat


def test_every_cookie_is_named_and_no_other_is_set(ground: Ground, browser: FlaskClient) -> None:
    answers = [browser.get("/?size=elder&lang=en"), browser.get("/internet-accounts")]
    answers.append(post(browser, **ACCOUNTS, code=receive_code(ground, browser)))
    answers.append(browser.get(answers[-1].headers["Location"]))
    page = browser.get("/internet-accounts")
    choice = {"session": hidden(page, "session"), "choice": "privacy"}
    answers.append(browser.post("/internet-accounts", data=choice))
    kept = {cookie.partition("=")[0] for answer in answers for cookie in answer.headers.getlist("Set-Cookie")}
    assert kept == set(COOKIES) - {"onecert-login", "onecert-probe"}  # WeChat's way, and the script's
    for language in LANGUAGES:
        named = re.findall(r"onecert[a-z-]*", words("privacy.cookies", language))
        assert sorted(named) == sorted(COOKIES)


def test_the_notice_names_handler_contact_rights_and_version(browser: FlaskClient) -> None:
    page = browser.get("/privacy").text
    for heading in ("谁在处理您的信息", "收集什么", "提供给谁", "保存多久", "Cookie", "我们不会做什么", "您的权利"):
        assert heading in page
    assert "运营者：演示（非政府网站）" in page
    assert "版本 1.1" in page
    assert 'href="/privacy/rights"' in page
    rights = browser.get("/privacy/rights").text
    assert rights.count('<th scope="row">') == 6 + len(KEPT_FOR)
    assert 'id="contact"' in rights


def test_columns_that_hold_a_number_or_a_text_are_sealed() -> None:
    for column in (inquiry.c.phone, inquiry.c.identity, message.c.sealed):
        assert "Binary" in repr(column.type)
