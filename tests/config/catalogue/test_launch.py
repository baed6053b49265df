"""Parts that only a trial may hold are refused as soon as one address is real. Source: review of texts, C1, C6, C7."""

from __future__ import annotations

import re

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.launch import find_launch_faults, find_launch_warnings, is_trial, uses_sandbox
from tests.support.factories import launched_document

DOCUMENT = default_document()


def test_the_default_is_a_trial_and_may_hold_leads() -> None:
    catalogue = load_catalogue(DOCUMENT)
    assert (uses_sandbox(catalogue), is_trial(catalogue)) == (True, True)
    assert find_launch_faults(catalogue) == find_launch_warnings(catalogue) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"{sandbox}/sms"', '"https://sms.example/send"'),
        ('"{sandbox}/partners/jd"', '"https://lookups.jd.example"'),
        ('base_url = "{sandbox}/alipay/gateway.do"', 'base_url = "https://openapi.alipay.com/gateway.do"'),
        ('app_id = "wx00000000000000a3"\nbase_url = "{sandbox}/wechat"', 'app_id = "wx00000000000000a3"'),
    ],
    ids=["a gateway", "a company", "a mini program", "an account without an address of its own"],
)
def test_one_real_address_is_enough_to_refuse_what_is_not_verified(old: str, new: str) -> None:
    assert old in DOCUMENT
    catalogue = load_catalogue(DOCUMENT.replace(old, new))
    faults = "\n".join(find_launch_faults(catalogue))
    assert "operator.demonstration: write who really runs the service" in faults
    assert "partners[douyin].applications[toutiao].assumption: ask the company" in faults
    assert "partners[meituan].applications[dianping].assumption: ask the company" in faults
    assert "partners[tencent].hotline: is not verified" in faults
    assert "partners[tencent].guide: is not verified" in faults
    assert "partners[china-mobile].hotline: is not verified" in faults
    assert (uses_sandbox(catalogue), is_trial(catalogue)) == (True, False)
    assert any("every page is marked as a demonstration" in warning for warning in find_launch_warnings(catalogue))


def test_a_catalogue_without_any_of_it_is_good() -> None:
    catalogue = load_catalogue(launched_document())
    assert find_launch_faults(catalogue) == find_launch_warnings(catalogue) == []
    assert (uses_sandbox(catalogue), is_trial(catalogue)) == (False, False)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('zh = "今日头条"', 'zh = "待核实八"', "partners[douyin].applications[toutiao].name.zh"),
        ('filing = "京ICP备1号"', 'filing = "备案号待核实"', "operator.filing"),
        ('en = "Dianping"', 'en = "To be verified 9"', "partners[meituan].applications[dianping].name.en"),
        ("服务暂时无法使用", "待核实", "texts.chat.down.zh-CN"),
    ],
)
def test_a_placeholder_in_any_text_is_refused_beside_a_real_address(old: str, new: str, place: str) -> None:
    document = launched_document()
    assert old in document
    faults = find_launch_faults(load_catalogue(document.replace(old, new, 1)))
    assert [fault.partition(":")[0] for fault in faults] == [place]


def test_an_operator_that_cannot_be_reached_is_warned_of() -> None:
    document = re.sub(r'(?m)^(filing = "京|phone = |mail = ).*\n', "", launched_document())
    places = [warning.partition(":")[0] for warning in find_launch_warnings(load_catalogue(document))]
    assert places == [
        "operator.filing",
        "operator.phone and operator.mail",
    ]


def test_this_very_machine_is_no_real_address() -> None:
    """Tests and proxies listen there; only what the catalogue names as the sandbox marks the pages."""
    catalogue = load_catalogue(DOCUMENT.replace("{sandbox}/partners/jd", "http://127.0.0.1:9/jd"))
    assert find_launch_faults(catalogue) == []
    everything = load_catalogue(DOCUMENT.replace("sandbox", "near").replace("near-cmpp", "near-cmpp"))
    assert (uses_sandbox(everything), is_trial(everything)) == (False, False)


def test_what_is_switched_off_leads_nowhere() -> None:
    document = launched_document().replace(
        'driver = "cmpp"\nurl = "{live-cmpp}"', 'driver = "cmpp"\nurl = "cmpp://gw.example:7890"'
    )
    assert find_launch_faults(load_catalogue(document)) == []
