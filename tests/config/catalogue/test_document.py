"""The catalogue document: what the default holds, and what every fault is answered with."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue.document import default_document, diff, load_catalogue, required_secrets
from config.catalogue.rules import find_warnings
from config.catalogue.schema import Catalogue
from config.errors import CatalogueInvalid
from tests.config.documents import CATALOGUE, DOCUMENT, changed


def test_the_default_has_the_entrances_services_and_partners_that_others_rely_on() -> None:
    kinds = {entrance.code: entrance.kind for entrance in CATALOGUE.entrances}
    assert [code for code, kind in kinds.items() if kind == "official-account"] == ["gxwbwx", "gxb-antifraud", "caict"]
    assert {"wechat-applet", "alipay-applet", "web"} < set(kinds)
    assert [service.code for service in CATALOGUE.services] == ["internet-accounts", "phone-cards"]
    enterprises = {"tencent", "alibaba", "alipay", "baidu", "kuaishou", "douyin", "jd", "meituan"}
    assert {partner.code for partner in CATALOGUE.enterprises()} == enterprises
    carriers = ["china-mobile", "china-unicom", "china-telecom", "china-broadnet"]
    assert [partner.code for partner in CATALOGUE.carriers()] == carriers


def test_eleven_applications_of_which_two_are_marked_as_assumptions() -> None:
    applications = [application for partner in CATALOGUE.enterprises() for application in partner.applications]
    assert len(applications) == 11
    attested = {application.code for application in applications if not application.assumption}
    assert attested == {"weixin", "qq", "taobao", "alipay", "baidu", "kuaishou", "douyin", "jd", "meituan"}
    assert [application.code for application in applications if application.assumption] == ["toutiao", "dianping"]


def test_the_order_of_applications_is_that_of_the_sms() -> None:
    names = [application.name.zh for partner in CATALOGUE.enterprises() for application in partner.applications]
    assert names[:6] == ["微信", "QQ", "淘宝", "支付宝", "抖音", "今日头条"]


def test_every_official_account_opens_the_service_from_its_menu() -> None:
    for entrance in CATALOGUE.entrances[:3]:
        assert [(top.name, [(below.name, below.key) for below in top.items]) for top in entrance.menu] == [
            ("政务服务", [("一证通查", "ONECERT")])
        ]


def test_the_modes_of_the_three_accounts_cover_all_that_there_are() -> None:
    assert {entrance.mode for entrance in CATALOGUE.entrances[:3]} == {"plain", "compatible", "safe"}


def test_an_unverified_hotline_or_guide_is_not_shown() -> None:
    for partner in CATALOGUE.partners:
        for lead, shown in ((partner.hotline, partner.shown_hotline), (partner.guide, partner.shown_guide)):
            assert (shown is None) == (lead is None or lead.verified_on is None)


def test_a_hotline_with_source_and_day_is_shown() -> None:
    document = changed(
        'hotline = { number = "95017", source = "press listings of 2022, unverified" }',
        'hotline = { number = "95017", source = "the company\'s own page", verified_on = 2026-11-20 }',
    )
    partner = load_catalogue(document).partner("tencent")
    assert partner is not None
    assert partner.shown_hotline is not None
    assert partner.shown_hotline.verified_on == datetime.date(2026, 11, 20)


def test_names_can_be_had_in_either_language() -> None:
    service = CATALOGUE.service("internet-accounts")
    assert service is not None
    assert (service.name["zh-CN"], service.name["en"], str(service.name)) == (
        "互联网账号",
        "Internet accounts",
        "互联网账号",
    )


@pytest.mark.parametrize(
    ("phone", "carrier"),
    [
        ("13800138000", "china-mobile"),
        ("13800000009", "china-mobile"),
        ("13412345678", "china-mobile"),
        ("13491234567", "china-telecom"),
        ("13012345678", "china-unicom"),
        ("18612345678", "china-unicom"),
        ("13312345678", "china-telecom"),
        ("19912345678", "china-telecom"),
        ("19212345678", "china-broadnet"),
        ("16512345678", "china-mobile"),
        ("17051234567", "china-mobile"),
        ("17001234567", "china-telecom"),
        ("17091234567", "china-unicom"),
        ("17112345678", "china-unicom"),
        ("16212345678", "china-telecom"),
    ],
)
def test_the_carrier_of_the_longest_prefix_is_asked_first_and_then_all_others(phone: str, carrier: str) -> None:
    order = [partner.code for partner in CATALOGUE.carrier_order(phone)]
    assert order[0] == carrier
    assert set(order) == {"china-mobile", "china-unicom", "china-telecom", "china-broadnet"}


def test_a_number_of_no_known_prefix_goes_round_in_the_catalogues_order() -> None:
    assert CATALOGUE.carrier_order("15412345678") == CATALOGUE.carriers()


def test_a_disabled_partner_is_not_asked_but_still_known() -> None:
    catalogue = load_catalogue(changed('code = "tencent"\n', 'code = "tencent"\nenabled = false\n'))
    assert "tencent" not in {partner.code for partner in catalogue.enterprises()}
    assert catalogue.partner("tencent") is not None


def test_a_closed_service_is_not_offered_but_still_listed() -> None:
    catalogue = load_catalogue(changed('code = "phone-cards"\n', 'code = "phone-cards"\nenabled = false\n'))
    assert catalogue.service("phone-cards") is None
    assert "phone-cards" in {service.code for service in catalogue.services}


def test_what_a_partner_counts() -> None:
    tencent, mobile = CATALOGUE.partner("tencent"), CATALOGUE.partner("china-mobile")
    assert tencent is not None
    assert mobile is not None
    assert [application.code for application in tencent.counted] == ["weixin", "qq"]
    assert [(application.code, application.name.zh) for application in mobile.counted] == [("china-mobile", "中国移动")]


def test_named_addresses_are_filled_in() -> None:
    catalogue = load_catalogue(changed("http://127.0.0.1:8001", "http://127.0.0.1:9001/"))
    assert {partner.base_url for partner in catalogue.partners} == {
        f"http://127.0.0.1:9001/partners/{partner.code}" for partner in catalogue.partners
    }
    assert catalogue.links[0].url == "http://127.0.0.1:9001/sms"


def test_required_secrets_are_those_that_interfaces_name() -> None:
    names = required_secrets(CATALOGUE)
    assert {"gxwbwx.token", "gxwbwx.aes_key", "gxwbwx.app_secret", "tencent.key", "china-mobile.key", "main.key"} < set(
        names
    )
    assert len(names) == len(set(names))


def test_nothing_loaded_can_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CATALOGUE.limits.codes_per_phone_day = 9  # type: ignore[misc]


@given(st.text(max_size=200))
def test_whatever_is_written_is_refused_and_never_breaks_the_reader(text: str) -> None:
    with pytest.raises(CatalogueInvalid):
        load_catalogue(text)


@given(st.sampled_from(DOCUMENT.splitlines()), st.sampled_from(["", "x = ", "[[partners]]", "= 1", "{", "\x00"]))
def test_a_damaged_line_is_refused_or_harmless(line: str, damage: str) -> None:
    try:
        assert isinstance(load_catalogue(DOCUMENT.replace(line, damage, 1)), Catalogue)
    except CatalogueInvalid as refused:
        assert refused.detail


def other_warnings(catalogue: Catalogue) -> list[str]:
    """Without those of the accounts' modes, of which the default catalogue shows each."""
    return [warning for warning in find_warnings(catalogue) if ".mode: " not in warning]


def test_a_mode_in_which_bodies_are_not_signed_is_warned_of() -> None:
    """security fault S10."""
    told = [warning.split(":")[0] for warning in find_warnings(CATALOGUE)]
    assert told == ["entrances[gxb-antifraud].mode", "entrances[caict].mode"]
    safe = DOCUMENT.replace('mode = "compatible"', 'mode = "safe"').replace('mode = "plain"', 'mode = "safe"')
    assert find_warnings(load_catalogue(safe)) == []


def test_an_address_in_clear_is_warned_of_unless_it_is_this_host() -> None:
    assert other_warnings(CATALOGUE) == []
    clear = load_catalogue(changed('{sandbox}/partners/jd"\nallow_private = true', 'http://jd.example/lookups"'))
    assert other_warnings(clear) == ["partners[jd].base_url: is not https; what is sent there can be read on the way"]


def test_a_menu_that_wechat_would_refuse_is_warned_of() -> None:
    catalogue = load_catalogue(changed('menu = [{ name = "政务服务"', 'menu = [{ name = "政务服务与其他"'))
    assert other_warnings(catalogue) == [
        "entrances[gxwbwx].menu: cannot be pushed: 政务服务与其他: its name has 21 bytes, the platform takes 16."
    ]


def test_a_difference_is_told_value_by_value() -> None:
    new = changed("codes_per_phone_day = 5", "codes_per_phone_day = 6").replace(
        'hotline = { number = "10099", source = "numbering plan, from memory, unverified" }\n', ""
    )
    assert diff(DOCUMENT, DOCUMENT) == []
    assert diff(DOCUMENT, new) == [
        "- partners[china-broadnet].hotline.number = '10099'",
        "- partners[china-broadnet].hotline.source = 'numbering plan, from memory, unverified'",
        "~ limits.codes_per_phone_day = 5 -> 6",
    ]


def test_a_change_of_order_is_a_difference() -> None:
    a, b = '[[links]]\ncode = "a"\n', '[[links]]\ncode = "b"\n'
    assert diff(a + b, b + a) == ["~ links in order = 'a, b' -> 'b, a'"]


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        ('closed = ["23:30-23:30"]', "begins when it ends"),
        ('closed = ["23:30"]', "closed"),
        ('closed = ["25:00-26:00"]', "closed"),
        ('next_key_id = "onecert-tencent"', "is the key in use"),
        ('seal = "A128GCM"', "seal"),
        ("concurrency = 0", "concurrency"),
        ("calls_per_s = -1.0", "calls_per_s"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: str, fault: str) -> None:
    document = default_document().replace('code = "tencent"\n', f'code = "tencent"\n{terms}\n', 1)
    with pytest.raises(CatalogueInvalid) as refused:
        load_catalogue(document)
    assert "partners[tencent]" in refused.value.detail
    assert fault in refused.value.detail


def test_a_virtual_operator_is_an_entry_with_longer_prefixes() -> None:
    entry = """[[partners]]
code = "mvno-1"
kind = "carrier"
name = { zh = "虚拟一", en = "Virtual One" }
short_name = "虚拟一"
base_url = "https://mvno.example/onecert"
key_id = "mvno-1"
batch_size = 100
connect_s = 3
read_s = 10
total_s = 15
retry_s = [1800]
prefixes = ["17012"]

"""
    catalogue = load_catalogue(changed("[[links]]", entry + "[[links]]"))
    assert [carrier.code for carrier in catalogue.carrier_order("17012345678")][:2] == ["mvno-1", "china-telecom"]
    assert catalogue.carrier_order("17002345678")[0].code == "china-telecom"


def test_a_catalogue_of_an_earlier_release_loads_without_the_text_of_dates() -> None:
    old = "\n".join(line for line in default_document().splitlines() if not line.startswith("before-"))
    assert "before-internet-accounts" not in load_catalogue(old).texts.sms


def test_an_address_inside_is_named_when_it_is_not_this_machine() -> None:
    document = default_document().replace('sandbox = "http://127.0.0.1:8001"', 'sandbox = "https://10.0.0.7"')
    warnings = find_warnings(load_catalogue(document))
    assert any(line.startswith("partners[tencent].allow_private") for line in warnings)
