"""The catalogue document: what the default holds, and what every fault is answered with."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue import Catalogue, default_document, diff, find_warnings, load_catalogue, required_secrets
from config.errors import CatalogueInvalid

DOCUMENT = default_document()
CATALOGUE = load_catalogue(DOCUMENT)


def changed(old: str, new: str, count: int = 1) -> str:
    assert old in DOCUMENT
    return DOCUMENT.replace(old, new, count)


def faults_of(document: str) -> list[str]:
    with pytest.raises(CatalogueInvalid) as refused:
        load_catalogue(document)
    return refused.value.detail.splitlines()


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
    assert all("待核实" in application.name.zh for application in applications if application.assumption)


def test_the_order_of_applications_is_that_of_the_sms() -> None:
    names = [application.name.zh for partner in CATALOGUE.enterprises() for application in partner.applications]
    assert names[:6] == ["微信", "QQ", "淘宝", "支付宝", "抖音", "快手"]


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


FAULTS = [
    ("a syntax error", 'port_number = "10699000"', "port_number = 10699000x", "the document: is not TOML:"),
    (
        "a wrong type",
        "batch_size = 500",
        'batch_size = "many"',
        "partners[tencent].batch_size: write a whole number instead of a text in quotes",
    ),
    (
        "a fraction",
        "batch_size = 500",
        "batch_size = 1.5",
        "partners[tencent].batch_size: write a whole number instead of a number",
    ),
    (
        "a yes that is a text",
        "welcome = false",
        'welcome = "no"',
        "entrances[gxwbwx].welcome: write true or false instead of a text in quotes",
    ),
    ("too much", "batch_size = 500", "batch_size = 501", "partners[tencent].batch_size: write a number of at most 500"),
    ("too little", "connect_s = 3", "connect_s = 0", "partners[tencent].connect_s: write a number above 0"),
    (
        "an unknown key",
        "batch_size = 500",
        "batchsize = 500",
        "partners[tencent].batchsize: no such key (did you mean batch_size?)",
    ),
    ("a key left out", "batch_size = 500\n", "", "partners[tencent].batch_size: is missing; add it"),
    ("an unknown table", "[operator]", "[operater]", "operater: no such key (did you mean operator?)"),
    (
        "an unknown kind",
        'kind = "enterprise"',
        'kind = "company"',
        "partners[tencent].kind: write one of 'enterprise' or 'carrier'",
    ),
    (
        "a code with capitals",
        'code = "tencent"',
        'code = "Tencent"',
        "partners[Tencent].code: does not have the right form",
    ),
    ("an account twice", 'code = "caict"', 'code = "gxwbwx"', "entrances: the code gxwbwx is used 2 times; keep one"),
    (
        "an application twice",
        'code = "qq"',
        'code = "weixin"',
        "partners[…].applications: the code weixin is used 2 times; keep one",
    ),
    ("a link named like a partner", 'code = "main"', 'code = "jd"', "links[jd].code: a partner has it too"),
    (
        "a prefix twice",
        'prefixes = ["192"]',
        'prefixes = ["192", "138"]',
        "partners[china-mobile] and partners[china-broadnet].prefixes: both claim 138",
    ),
    (
        "an address nobody named",
        "{sandbox}/sms",
        "{gateway}/sms",
        "links[main].url: there is no address gateway; add it to [addresses]",
    ),
    (
        "an address with a password",
        "{sandbox}/sms",
        "https://me:secret@sms.example/sms",
        "links[main].url: does not have the right form",
    ),
    ("a scheme for files", "{sandbox}/sms", "file:///etc/passwd", "links[main].url: does not have the right form"),
    (
        "an enterprise without applications",
        'applications = [{ code = "jd", name = { zh = "京东", en = "JD.com" } }]\n',
        "",
        "partners[jd].applications: an enterprise has at least one, a carrier none",
    ),
    (
        "impatience",
        "decision_s = 158400",
        "decision_s = 20000",
        "services[internet-accounts].decision_s: must be at least identity_patience_s + patience_s",
    ),
    (
        "a broken promise",
        "reply_within_s = 172800",
        "reply_within_s = 172801",
        "services[internet-accounts].reply_within_s: write a number of at most 172800",
    ),
    (
        "too many calls",
        "retry_s = [2, 10, 30, 120, 300, 900, 1800]",
        "retry_s = [1]",
        "partners[tencent].retry_s: leads to more than 20 calls",
    ),
    (
        "no time at all",
        "total_s = 15",
        "total_s = 5",
        "partners[tencent].total_s: must not be less than connect_s or read_s",
    ),
    (
        "nobody sends codes",
        'lanes = ["code", "reply"]',
        'lanes = ["reply"]',
        "links: no enabled link carries the lane code",
    ),
    (
        "another number",
        'port_number = "10699000"\nsignature_mode',
        'port_number = "10690000"\nsignature_mode',
        "links[main].port_number: must be 10699000 or an extension of it",
    ),
    (
        "an SP_Id of five characters",
        'account = "900001"',
        'account = "90000"',
        "links[cmpp].account: must be the SP_Id",
    ),
    ("no system_id", 'driver = "http"', 'driver = "smpp"', "links[main].account: must be the system_id"),
    (
        "SMPP over HTTP",
        'driver = "http"',
        'driver = "smpp"',
        "links[main].url: a smpp link has an address with smpp://",
    ),
    (
        "17 connections",
        "window = 16",
        "window = 16\nconnections = 17",
        "links[cmpp].connections: write a number of at most",
    ),
    (
        "a day without a source",
        'hotline = { number = "95017", source = "press listings of 2022, unverified" }',
        'hotline = { number = "95017", verified_on = 2026-11-20 }',
        "partners[tencent].hotline.source: is missing",
    ),
    (
        "a day that is a text",
        'source = "press listings of 2022, unverified" }',
        'source = "s", verified_on = "2026-11-20" }',
        "partners[tencent].hotline.verified_on: write a date such as 2026-11-22, without quotes",
    ),
    ("an SMS text gone", 'opt-in = "', 'opt-inn = "', "texts.sms.opt-in: is missing; add it"),
    (
        "an SMS without its place",
        "验证码{code}，",
        "验证码，",
        "texts.sms.code-internet-accounts: lacks {code}; add it",
    ),
    (
        "an SMS with a foreign place",
        "验证码{code}，",
        "验证码{code}{phone}，",
        "texts.sms.code-internet-accounts: {phone} means nothing here; remove it",
    ),
    (
        "an open bracket",
        "验证码{code}，",
        "验证码{code}{，",
        "texts.sms.code-internet-accounts: has a single curly bracket; remove it",
    ),
    (
        "an SMS without signature",
        'opt-in = "【一证通查】',
        'opt-in = "',
        "texts.sms.opt-in: must start with the signature 【一证通查】",
    ),
    (
        "a chat answer of one language",
        "[texts.chat.down]\nzh-CN",
        "[texts.chat.down]\nzh-TW",
        "texts.chat.down.zh-CN: is missing; add it",
    ),
    ("a chat answer too long", "服务暂时用不了，", "服务" * 500, "texts.chat.down.zh-CN: has"),
    (
        "a menu button without key",
        ', key = "ONECERT"',
        "",
        "entrances[gxwbwx].menu[政务服务].items[一证通查].key: is missing; a button of type click needs it",
    ),
    (
        "a menu of four buttons",
        'menu = [{ name = "政务服务", items = [{ name = "一证通查", type = "click", key = "ONECERT" }] }]\npage_login',
        'menu = [{ name = "1", type = "click", key = "K" }, { name = "2", type = "click", key = "K" }, '
        '{ name = "3", type = "click", key = "K" }, { name = "4", type = "click", key = "K" }]\npage_login',
        "entrances[gxwbwx].menu: has too many buttons; WeChat shows 3, with up to 5 below each",
    ),
    (
        "a button that shows an article it does not name",
        'type = "click", key = "ONECERT"',
        'type = "article_id", key = "ONECERT"',
        "entrances[gxwbwx].menu[政务服务].items[一证通查].article_id: is missing; a button of type article_id needs it",
    ),
    (
        "an account copied with its app id",
        'app_id = "wx00000000000000a2"',
        'app_id = "wx00000000000000a1"',
        "entrances[gxwbwx] and entrances[gxb-antifraud].app_id: both claim wx00000000000000a1; leave it to one",
    ),
    ("an account without its id", 'original_id = "gh_0000000000a1"\n', "", "entrances[gxwbwx].original_id: is missing"),
    (
        "a number that only the store gives",
        'port_number = "10699000"',
        'version = 7\nport_number = "10699000"',
        "version: the store numbers versions; remove it",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_every_fault_is_told_with_its_place_and_what_to_do(old: str, new: str, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults_of(changed(old, new))), faults_of(changed(old, new))


def test_a_syntax_error_tells_its_line() -> None:
    assert "line 1" in faults_of("port_number == 1")[0]


def test_all_faults_are_told_at_once() -> None:
    document = changed("batch_size = 500", 'batch_size = "many"').replace("welcome = true", "welcome = 1")
    assert len(faults_of(document)) == 2


def test_faults_of_every_kind_are_told_at_once_and_each_once() -> None:
    document = changed("{sandbox}/sms", "{sandbx}/sms").replace("batch_size = 500", 'batch_size = "many"', 1)
    document = document.replace('mode = "safe"', 'mode = "secure"', 1)
    document = document.replace('original_id = "gh_0000000000a2"\n', "").replace('"130",', '"130", "138",')
    assert [fault.partition(": ")[0] for fault in faults_of(f"version = 2\n{document}")] == [
        "links[main].url",
        "version",
        "entrances[gxwbwx].mode",
        "partners[tencent].batch_size",
        "entrances[gxb-antifraud].original_id",
        "partners[china-mobile] and partners[china-unicom].prefixes",
    ]


def test_what_only_comes_of_a_faulty_entry_is_not_told() -> None:
    document = changed('driver = "http"', 'driver = "https"')  # no other link carries any lane
    assert [fault.partition(": ")[0] for fault in faults_of(document)] == ["links[main].driver"]


def test_no_secret_of_an_address_is_repeated() -> None:
    document = changed("{sandbox}/sms", "https://me:hunter2@sms.example/sms")
    assert "hunter2" not in "".join(faults_of(document))


def test_an_empty_document_tells_all_that_is_missing() -> None:
    assert "partners: is missing; add it" in faults_of("")


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


def test_an_address_in_clear_is_warned_of_unless_it_is_this_host() -> None:
    assert find_warnings(CATALOGUE) == []
    clear = load_catalogue(changed('{sandbox}/partners/jd"\nallow_private = true', 'http://jd.example/lookups"'))
    assert find_warnings(clear) == ["partners[jd].base_url: is not https; what is sent there can be read on the way"]


def test_a_menu_that_wechat_would_refuse_is_warned_of() -> None:
    catalogue = load_catalogue(changed('menu = [{ name = "政务服务"', 'menu = [{ name = "政务服务与其他"'))
    assert find_warnings(catalogue) == [
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
