"""The catalogue's part of the pages: guides, hotlines, operator, and that a sandbox says what it is."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from config.catalogue.document import default_document
from config.ground import Ground
from tests.support.factories import launched_document, put_in_force
from wechat.pages.views import PAGES


def test_an_unverified_number_is_on_no_page_beside_a_real_address(ground: Ground, browser: FlaskClient) -> None:
    put_in_force(ground, default_document().replace("{sandbox}/sms", "https://sms.example"))
    companies = ground.catalogues.current().enterprises()
    for company in companies:
        page = browser.get(f"/guides/{company.code}").text
        assert company.name.zh in page
        assert company.hotline is None or company.hotline.number not in page
        assert company.guide.details and company.guide.details.zh.split("\n")[0] not in page
        assert "热线号码正在核实" in page
        assert "tel:" not in page and "来源" not in page and "待核实" not in page
    assert len(companies) == 8
    assert "联系企业核实账号" in browser.get("/").text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_in_the_sandbox_leads_are_shown_and_marked(ground: Ground, browser: FlaskClient, language: str) -> None:
    """Source: review of texts, C6: guides and hotlines can be seen working, each marked 待核实."""
    browser.set_cookie("onecert-lang", language)
    mark = {"zh-CN": "待核实", "en": "To be verified"}[language]
    for company in ground.catalogues.current().enterprises():
        page = html.unescape(browser.get(f"/guides/{company.code}").text)
        assert company.guide.details and company.guide.removal and company.guide.source
        for steps in (company.guide.details, company.guide.removal):
            assert all(line in page for line in steps[language].split("\n"))
        for application in company.applications:
            assert application.name[language] in company.guide.details[language]
        assert page.count(mark) >= (3 if company.hotline else 2)
        assert company.hotline is None or f'href="tel:{company.hotline.number.replace("-", "")}"' in page


def test_a_verified_guide_and_hotline_are_shown_with_their_day_and_no_mark(
    ground: Ground, browser: FlaskClient
) -> None:
    text = default_document().replace("{sandbox}/sms", "https://sms.example")
    text = text.replace(
        'source = "press listings of 2022, unverified" }\n\n[partners.guide]\n',
        'source = "help.tencent.example", verified_on = 2026-11-01 }\n\n[partners.guide]\nverified_on = 2026-11-02\n',
        1,
    )
    put_in_force(ground, text)
    page = html.unescape(browser.get("/guides/tencent").text)
    assert "微信：我 > 设置 > 账号与安全 > 手机号。" in page
    assert 'href="tel:95017"' in page
    assert "来源：help.tencent.example" in page
    assert "核实日期：2026 年 11 月 1 日" in page and "核实日期：2026 年 11 月 2 日" in page
    assert "待核实" not in page


@pytest.mark.parametrize("path", [*PAGES.values(), "/internet-accounts", "/phone-cards", "/guides/tencent", "/strange"])
def test_every_page_of_a_sandbox_says_that_it_is_a_demonstration(
    ground: Ground, browser: FlaskClient, path: str
) -> None:
    """Source: review of texts, C7."""
    page = browser.get(path).text
    assert "演示环境，请勿填写真实证件信息" in page
    assert "演示（非政府网站）" in page
    put_in_force(ground, launched_document())
    page = browser.get(path).text
    assert "演示" not in page
    assert "待核实" not in page
    assert "国家演习中心" in page


def test_a_company_of_one_application_of_its_name_is_not_named_twice(browser: FlaskClient) -> None:
    """Source: faults A17: 支付宝/支付宝, 快手, 京东 and so on in the list of guides."""
    rows = re.findall(
        r'<a class="row" href="/guides/(\w+)"><span>(.*?)</span><svg', browser.get("/guides").text, re.DOTALL
    )
    shown = {code: re.sub(r"<[^>]+>", "|", words).replace("\n", "") for code, words in rows}
    assert "微信、QQ" in shown["tencent"] and "淘宝" in shown["alibaba"]
    for code, name in (("alipay", "支付宝"), ("kuaishou", "快手"), ("jd", "京东"), ("baidu", "百度")):
        assert shown[code].count(name) == 1
    assert "今日头条" in shown["douyin"] and shown["douyin"].index("今日头条") < shown["douyin"].index("待核实")


def test_the_operator_can_be_reached(ground: Ground, browser: FlaskClient) -> None:
    """Source: faults A16, texts-review C14."""
    put_in_force(ground, launched_document())
    page = browser.get("/privacy/rights").text
    assert 'href="tel:01012345678"' in page and 'href="mailto:help@onecert.example"' in page
    assert "国家演习中心" in browser.get("/privacy").text
    for path in ("/", "/help", "/privacy"):
        assert 'href="/privacy/rights#contact"' in browser.get(path).text
