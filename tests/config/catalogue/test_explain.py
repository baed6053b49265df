"""Mistakes in a catalogue are named with their place and what to do, all of them at once."""

from __future__ import annotations

import pytest

from tests.config.documents import changed, faults_of

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
    ("a chat answer too long", "服务暂时无法使用，", "服务" * 500, "texts.chat.down.zh-CN: has"),
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
