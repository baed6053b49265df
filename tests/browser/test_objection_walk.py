"""The whole way after a count in a real browser, with a real pointer, with scripts and without."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
import requests
from selenium.webdriver.common.by import By

from tests.browser.chromium import Phone, phone
from tests.browser.pressing import press
from tests.browser.test_walk import check
from tests.conftest import need
from tests.support.instances import Instance

numbers = itertools.count(13_750_000_000)
FINDINGS = re.compile("已解绑|未查到|是您本人的|不受理|未答复")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def browser(request: pytest.FixtureRequest, window: Phone) -> Iterator[Phone]:
    window.driver.delete_all_cookies()
    window.javascript = bool(request.param)
    window.run_scripts(window.javascript)
    yield window
    window.run_scripts(True)


def follow(browser: Phone, selector: str, pointer: str) -> None:
    """Press what leads to another page, and wait for that page."""
    before = browser.driver.find_element(By.TAG_NAME, "html").id
    press(browser.driver, selector, pointer)
    browser.wait(lambda: browser.driver.find_element(By.TAG_NAME, "html").id != before)


@pytest.mark.parametrize(("look", "pointer"), [("light", "mouse"), ("elder", "touch")])
def test_an_objection_from_the_first_page_to_the_findings(
    instance: Instance, browser: Phone, look: str, pointer: str
) -> None:
    number = str(next(numbers))
    browser.look(instance.url, look)
    browser.open(instance.url)
    follow(browser, "footer a[href='/objections']", pointer)
    check(browser)
    follow(browser, "a[href='/objections?wish=dispute']", pointer)
    press(browser.driver, "#submit", pointer)
    browser.wait_for_text("有 6 处需要修改")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "box"
    check(browser)
    fill_in(instance, browser, number, pointer)
    check(browser)
    press(browser.driver, "#submit", pointer)
    browser.wait(lambda: re.search(r"/objections/\d{12}$", browser.driver.current_url))
    told = [one["text"] for one in instance.wait_for_messages(number, 3)]
    assert "受理编号" in told[1]
    assert "微信、京东已解绑。已解决回1，未解决回2。" in told[2]
    browser.wait(lambda: closed(browser, pointer))
    check(browser)
    shown = browser.text()
    assert "对结果不满意怎么办" in shown
    assert (number in shown, FINDINGS.search(shown)) == (False, None)
    answer(instance, number, "没解决")
    told = [one["text"] for one in instance.wait_for_messages(number, 5)]
    assert "已请企业重新处理" in told[3]
    assert "已重新处理：微信、京东已解绑" in told[4]
    browser.driver.refresh()
    assert FINDINGS.search(browser.text()) is None


def test_alerts_are_turned_on_where_the_inquiry_ends(instance: Instance, browser: Phone) -> None:
    number = str(next(numbers))
    browser.look(instance.url, "light")
    browser.open(f"{instance.url}/internet-accounts")
    browser.type("phone", number)
    browser.type("id_tail", "12345x")
    press(browser.driver, "#get")
    browser.wait_for_text("验证码已发到")
    browser.type("code", re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0])
    for box in ("#consent", "#consent_id", "#submit"):
        press(browser.driver, box)
    browser.wait(lambda: re.search(r"/inquiries/\d{12}$", browser.driver.current_url))
    instance.wait_for_messages(number, 2)
    browser.wait(lambda: closed(browser, "mouse"))
    press(browser.driver, "#watch button")
    browser.wait_for_text("请先勾选“有新账号时提醒我”")
    check(browser)
    press(browser.driver, "#watch input[type=checkbox]")
    press(browser.driver, "#watch button")
    browser.wait_for_text("已提交，是否开启以短信为准")
    check(browser)
    assert "已开启新账号提醒" in instance.wait_for_messages(number, 3)[-1]["text"]
    play = {"event": {"phone": number, "application": "weixin"}}
    url = f"{instance.sandbox_url}/partners/tencent/play"
    browser.wait(lambda: requests.post(url, json=play, timeout=60).status_code == 202)
    assert "微信新关联了1个账号" in instance.wait_for_messages(number, 4)[-1]["text"]
    answer(instance, number, "不是我1")
    told = [one["text"] for one in instance.wait_for_messages(number, 6)]
    assert "已受理您" in told[4]
    assert "微信已解绑。已解决回1，未解决回2。" in told[5]


def fill_in(instance: Instance, browser: Phone, number: str, pointer: str) -> None:
    """Tick, type, and have a code sent; what was ticked is still there when it came."""
    for code in ("weixin", "jd"):
        press(browser.driver, f"input[value={code}]", pointer)
    browser.type("phone", number)
    browser.type("id_tail", "12345x")
    press(browser.driver, "#get", pointer)
    browser.wait_for_text(f"验证码已发到 {number[:3]}****{number[7:]}")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "code"
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "input[name=application]:checked")) == 2
    browser.type("code", re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0])
    press(browser.driver, "#consent", pointer)
    press(browser.driver, "#consent_id", pointer)


def closed(browser: Phone, pointer: str) -> bool:
    """Return whether the page says that the SMS is out; without scripts somebody must press its link for that."""
    if "短信已发出" not in browser.text() and browser.driver.find_elements(By.CSS_SELECTOR, ".refresh"):
        press(browser.driver, ".refresh", pointer)
    return "短信已发出" in browser.text()


def answer(instance: Instance, number: str, text: str) -> None:
    """Have the phone write to the port number."""
    requests.post(f"{instance.sandbox_url}/phone/{number}/texts", json={"text": text}, timeout=60).raise_for_status()
