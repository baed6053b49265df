"""Every SMS of an objection, word by word as ui/texts-after.md has it, and within its parts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from config.catalogue.document import default_document, load_catalogue
from query.objections.rules.texts import (
    ORDER,
    compose_accepted,
    compose_last,
    compose_late,
    compose_reopened,
    compose_settled,
    compose_too_new,
    compose_unmatched,
    list_findings,
)

CATALOGUE = load_catalogue(default_document())
TEXTS = CATALOGUE.texts.sms
DAY = "11月23日"
DONE, NONE, YOURS, IN_APP = ("done", None), ("none", None), ("yours", None), ("needs_holder", "in_app")
SILENT, HOLD = ("silent", None), ("refused", "legal_hold")
NAMES = [one.name.zh for partner in CATALOGUE.enterprises() for one in partner.applications]


def units(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def test_the_sample_texts() -> None:
    three = [("微信", DONE), ("淘宝", NONE), ("快手", IN_APP)]
    assert compose_accepted(TEXTS, day=DAY, due="12月7日", reference=482719356041) == (
        "【一证通查】已受理您11月23日的申请，企业最迟12月7日答复，结果用短信告诉您。受理编号482719356041。"
    )
    assert compose_settled(TEXTS, day=DAY, kind="dispute", endings=three) == (
        "【一证通查】您11月23日的申请：微信已解绑，淘宝未查到，快手需您本人在应用内核验。已解决回1，未解决回2。"
    )
    assert compose_settled(TEXTS, day=DAY, kind="unbind", endings=three) == (
        "【一证通查】您11月23日申请的解绑有结果：微信已解绑，淘宝未查到此类账号，快手需您本人在应用内核验。"
    )
    assert compose_settled(TEXTS, day=DAY, kind="dispute", endings=three[:2], label="A") == (
        "【一证通查】您11月23日的申请：微信已解绑，淘宝未查到。已解决回1A，未解决回2A。"
    )
    assert compose_settled(TEXTS, day=DAY, kind="dispute", endings=[("微信", HOLD)]) == (
        "【一证通查】您11月23日的申请：微信不受理，原因是账号被依法保留。可向互联网信息服务投诉平台反映。"
    )
    assert compose_settled(TEXTS, day=DAY, kind="dispute", endings=[("京东", SILENT)]) == (
        "【一证通查】您11月23日的申请，京东到期未答复，已催办。可向互联网信息服务投诉平台反映，或拨打12345。"
    )
    assert compose_late(TEXTS, day=DAY, kind="dispute", endings=[("京东", DONE)], label="", asks=True) == (
        "【一证通查】您11月23日的申请有新结果：京东已解绑。已解决回1，未解决回2。"
    )
    assert compose_reopened(TEXTS, day=DAY, due="12月21日", reference=482719356041) == (
        "【一证通查】已请企业重新处理您11月23日的申请，最迟12月21日答复。受理编号482719356041。"
    )
    assert compose_last(TEXTS, day=DAY, kind="dispute", endings=[("京东", NONE)]) == (
        "【一证通查】您11月23日的申请已重新处理：京东未查到。仍有疑问，可向互联网信息服务投诉平台反映，或拨打12345。"
    )
    assert units(compose_unmatched(TEXTS, day=DAY)) <= 70
    assert units(compose_too_new(TEXTS, day=DAY, when="12月3日")) <= 70


def test_the_widest_sample_is_grouped_in_one_order() -> None:
    groups: dict[str, Any] = {
        "微信": DONE,
        "QQ": DONE,
        "淘宝": DONE,
        "支付宝": NONE,
        "抖音": NONE,
        "今日头条": NONE,
        "快手": NONE,
    }
    groups |= {"百度": YOURS, "京东": IN_APP, "美团": SILENT, "大众点评": SILENT}
    text = compose_settled(TEXTS, day=DAY, kind="dispute", endings=list(groups.items()))
    assert text == (
        "【一证通查】您11月23日的申请：微信、QQ、淘宝已解绑；支付宝、抖音、今日头条、快手未查到；百度是您本人的；"
        "京东需您本人在应用内核验；美团、大众点评未答复。已解决回1，未解决回2。"
    )
    assert units(text) == 91


@pytest.mark.parametrize("kind", ["unbind", "dispute"])
def test_no_settlement_takes_more_than_two_parts(kind: str) -> None:
    reasons = {"needs_holder": ["face", "id_photo", "in_app", "shop"]}
    reasons["refused"] = ["not_supported", "minor", "legal_hold", "too_many"]
    endings = [(state, reason) for state in ORDER for reason in reasons.get(state, [None])]
    for shift in range(len(endings)):
        turned = itertools.islice(itertools.cycle(endings), shift, shift + len(NAMES))
        given = list(zip(NAMES, turned, strict=True))
        for text in (
            compose_settled(TEXTS, day="12月31日", kind=kind, endings=given, label="A"),
            compose_late(TEXTS, day="12月31日", kind=kind, endings=given, label="A", asks=True),
            compose_last(TEXTS, day="12月31日", kind=kind, endings=given),
        ):
            assert units(text) <= 134, text


def test_every_ending_of_the_closed_lists_has_words_of_ours() -> None:
    assert list_findings(TEXTS, "dispute", [("微信", ("needs_holder", "face"))]) == "微信需您本人刷脸核验"
    assert list_findings(TEXTS, "dispute", [("微信", HOLD), ("QQ", DONE)]) == "QQ已解绑，微信不受理（账号被依法保留）"
    # A reason that is none of the list never reaches a citizen, whatever was stored.
    assert list_findings(TEXTS, "dispute", [("微信", ("refused", "http://x"))]) == "微信不受理"
