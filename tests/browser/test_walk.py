"""A citizen's whole way in a real browser: first page, code from the phone, submission, progress, SMS."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.browser.chromium import Phone, phone
from tests.conftest import need
from tests.support.instances import Instance

numbers = itertools.count(13_600_000_000)


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("look", ["light", "dark", "elder"])
def test_from_the_first_page_to_the_sms(instance: Instance, tmp_path: Path, scripted: bool, look: str) -> None:
    need("chromium")
    number = str(next(numbers))
    with phone(tmp_path, javascript=scripted) as browser:
        browser.look(instance.url, look)
        browser.open(instance.url)
        check(browser)
        browser.follow("a[href='/internet-accounts']")
        check(browser)
        browser.type("phone", f"{number[:3]} {number[3:7]} {number[7:]}")
        browser.type("id_tail", "12345x")
        browser.press("#get")
        browser.wait_for_text(f"验证码已发到 {number[:3]}****{number[7:]}")
        check(browser)
        code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
        browser.type("code", code)
        browser.press("#consent")
        browser.press("#consent_id")
        browser.press("#submit")
        browser.wait(lambda: re.search(r"/inquiries/\d{12}$", browser.driver.current_url))
        reply = instance.wait_for_messages(number, 2)[-1]["text"]
        assert f"查询的手机号{number[:3]}****{number[7:]}共关联" in reply
        wait_for_the_end(browser, scripted)
        assert browser.find("#copy").is_displayed() == scripted
        check(browser)
        shown = browser.text()
        assert number not in shown
        assert "12345X" not in shown.upper()
        assert not re.search(r"微信\s*\d", shown)


def test_phone_cards_from_the_first_page_to_the_sms(instance: Instance, tmp_path: Path, scripted: bool) -> None:
    need("chromium")
    number = str(next(numbers))
    with phone(tmp_path, javascript=scripted) as browser:
        browser.open(instance.url)
        browser.follow("a[href='/phone-cards']")
        check(browser)
        browser.type("name", "张三")
        browser.type("id_number", "11010519491231002x")
        browser.type("phone", number)
        browser.press("#get")
        browser.wait_for_text(f"验证码已发到 {number[:3]}****{number[7:]}")
        code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
        browser.type("code", code)
        browser.press("#consent")
        browser.press("#consent_id")
        browser.press("#submit")
        browser.wait(lambda: re.search(r"/inquiries/\d{12}$", browser.driver.current_url))
        reply = instance.wait_for_messages(number, 2)[-1]["text"]
        counts = {carrier: int(count) for carrier, count in re.findall(r"(中国\S\S)(\d+)张", reply)}
        assert list(counts) == ["中国移动", "中国联通", "中国电信", "中国广电"]
        assert f"名下在用电话卡共{sum(counts.values())}张" in reply
        wait_for_the_end(browser, scripted)
        check(browser)
        shown = browser.text()
        assert not {number, "张三", "11010519491231002X"} & set(shown.upper().split())
        assert "张三" not in shown and "1949" not in shown


def test_what_went_wrong_is_told_and_found_by_the_focus(instance: Instance, tmp_path: Path) -> None:
    need("chromium")
    with phone(tmp_path) as browser:
        browser.open(f"{instance.url}/internet-accounts")
        browser.type("phone", "1380013800")
        browser.type("id_tail", "12345")
        browser.press("#submit")
        browser.wait_for_text("有 5 处需要修改")
        assert browser.driver.switch_to.active_element.get_attribute("id") == "box"
        for fault in ("应是 11 位，现在 10 位", "还差 1 位", "请填写短信里的 6 位验证码", "请先阅读并勾选同意"):
            assert fault in browser.text()
        check(browser)
        browser.type("phone", "13800138000")
        browser.press("#id_tail")
        browser.wait(lambda: "现在 10 位" not in browser.find("#field-phone").text)
        assert "还差 1 位" in browser.find("#field-id_tail").text
        browser.press("#box a[href='#code']")
        assert browser.driver.switch_to.active_element.get_attribute("id") == "code"
        assert browser.driver.title.startswith("错误：")


def test_a_double_tap_is_one_inquiry(instance: Instance, tmp_path: Path) -> None:
    need("chromium")
    number = str(next(numbers))
    with phone(tmp_path) as browser:
        browser.open(f"{instance.url}/internet-accounts")
        browser.type("phone", number)
        browser.type("id_tail", "123456")
        browser.press("#get")
        browser.wait_for_text(f"验证码已发到 {number[:3]}****{number[7:]}")  # with it the page empties the field
        code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
        browser.type("code", code)
        browser.press("#consent")
        browser.press("#consent_id")
        browser.driver.execute_script("const b = document.getElementById('submit'); b.click(); b.click(); b.click();")
        browser.wait(lambda: "/inquiries/" in browser.driver.current_url)
        instance.wait_for_messages(number, 2)
        browser.wait_for_text("短信已发出")
        assert len(instance.messages(number)) == 2


def test_offline_keeps_what_was_typed_and_the_same_key(instance: Instance, tmp_path: Path) -> None:
    need("chromium")
    number = str(next(numbers))
    with phone(tmp_path) as browser:
        browser.open(f"{instance.url}/internet-accounts")
        for name, text in (("phone", number), ("id_tail", "123456"), ("code", "123456")):
            browser.type(name, text)
        browser.press("#consent")
        browser.press("#consent_id")
        key = browser.find("[name=key]").get_attribute("value")
        go(browser, offline=True)
        browser.press("#submit")
        browser.wait_for_text("网络断开了，没有提交")
        assert browser.find("#phone").get_attribute("value") == number
        assert browser.find("[name=key]").get_attribute("value") == key
        assert browser.find("#submit").text == "提交查询"
        go(browser, offline=False)
        browser.press("#submit")
        browser.wait_for_text("还没有向这个号码发送验证码")
        assert browser.driver.switch_to.active_element.get_attribute("id") == "code"


def test_leaving_the_page_empties_id_and_code(instance: Instance, tmp_path: Path) -> None:
    need("chromium")
    with phone(tmp_path) as browser:
        browser.open(f"{instance.url}/internet-accounts")
        browser.type("id_tail", "123456")
        browser.type("code", "654321")
        browser.follow("footer a[href='/help']")
        browser.driver.back()
        browser.wait_for_text("查互联网账号")
        assert browser.find("#id_tail").get_attribute("value") == ""
        assert browser.find("#code").get_attribute("value") == ""


def wait_for_the_end(browser: Phone, scripted: bool) -> None:
    """Wait until the page says that the SMS is sent; without scripts somebody must press its link for that."""

    def told() -> bool:
        if not scripted and "短信已发出" not in browser.text():
            browser.press(".refresh")
        return "短信已发出" in browser.text()

    browser.wait(told)


def check(browser: Phone) -> None:
    """No complaint in the console, nothing for axe, nothing wider than the screen."""
    assert browser.complaints() == []
    assert browser.violations() == []
    assert not browser.scrolls_sideways()


def go(browser: Phone, *, offline: bool) -> None:
    """Cut the net, or mend it."""
    net = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", net)
