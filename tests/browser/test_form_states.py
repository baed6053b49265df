"""A form between opening and answer: nothing that was typed is lost, and no press goes unanswered.

Source: pages fault A5 to A8, A12 and A17; with and without JavaScript where both lead the same way.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Phone, phone
from tests.browser.pressing import press
from tests.conftest import need
from tests.support.instances import Instance

numbers = itertools.count(13_900_200_000)
TYPED = {"id_tail": "12345X", "code": "123456"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(instance: Instance, shared: Phone) -> Iterator[Phone]:
    """The browser without cookies, on an empty form."""
    shared.driver.delete_all_cookies()
    shared.open(f"{instance.url}/internet-accounts")
    yield shared
    shared.javascript = True
    shared.run_scripts(True)


def fill(browser: Phone, number: str) -> None:
    browser.type("phone", number)
    for name, text in TYPED.items():
        browser.type(name, text)
    press(browser.driver, "#consent")
    press(browser.driver, "#consent_id")


def assert_filled(browser: Phone, number: str) -> None:
    values = {name: browser.find(f"#{name}").get_attribute("value") for name in ("phone", *TYPED)}
    assert values == {"phone": number, **TYPED}
    assert browser.find("#consent").is_selected()


@pytest.mark.parametrize("scripted", [True, False], ids=["javascript", "no-javascript"])
def test_letters_language_and_privacy_notice_keep_the_form(instance: Instance, browser: Phone, scripted: bool) -> None:
    number = str(next(numbers))
    browser.javascript = scripted
    browser.run_scripts(scripted)
    browser.open(f"{instance.url}/internet-accounts")
    browser.type("phone", number)
    press(browser.driver, "#get")
    browser.wait_for_text("验证码已发到")
    for name, text in TYPED.items():
        browser.type(name, text)
    press(browser.driver, "#consent")
    press(browser.driver, "#consent_id")
    key = browser.find("[name=key]").get_attribute("value")
    press(browser.driver, "#size")
    browser.wait(lambda: browser.find("html").get_attribute("data-size") == "elder")
    assert_filled(browser, number)
    press(browser.driver, "button[value='lang=en']")
    browser.wait_for_text("Code sent to")
    assert_filled(browser, number)
    assert not scripted or re.search(r"Again in \d+s", browser.find("#get").text)
    press(browser.driver, "button[value='lang=zh-CN']")
    browser.wait_for_text("验证码已发到")
    press(browser.driver, "#field-consent button")
    browser.wait(lambda: browser.driver.current_url.endswith("/privacy"))
    browser.driver.back()
    browser.wait_for_text("验证码已发到")
    browser.wait(lambda: browser.find("#code").get_attribute("value"))
    assert_filled(browser, number)
    assert browser.find("[name=key]").get_attribute("value") == key
    assert browser.find("html").get_attribute("data-size") == "elder"


def test_enter_submits_and_does_not_press_a_choice(browser: Phone) -> None:
    browser.type("phone", "138")
    browser.driver.switch_to.active_element.send_keys("\n")
    browser.wait_for_text("现在 3 位")
    assert browser.find("html").get_attribute("data-size") is None


def test_a_code_typed_before_the_answer_stays_and_a_press_meanwhile_counts(instance: Instance, browser: Phone) -> None:
    number = str(next(numbers))
    browser.type("phone", number)
    browser.type("id_tail", "12345X")
    press(browser.driver, "#consent")
    press(browser.driver, "#consent_id")
    hold_answers(browser)
    press(browser.driver, "#get")
    browser.wait_for_text("正在发送")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    browser.type("code", code)
    press(browser.driver, "#submit")
    browser.wait_for_text("发完接着提交")
    browser.driver.execute_script("window.release()")
    browser.wait(lambda: "/inquiries/" in browser.driver.current_url)
    instance.wait_for_messages(number, 2)
    browser.wait_for_text("短信已发出")
    browser.wait_for_text("接下来可以")
    browser.complaints()
    browser.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    assert browser.complaints() == []  # the form's countdown is over with its page


def test_a_session_that_is_over_is_renewed_in_silence(instance: Instance, browser: Phone) -> None:
    """The token stands for any that the server refuses; the half hour itself is in tests/wechat/pages."""
    number = str(next(numbers))
    fill(browser, number)
    browser.driver.execute_script("document.getElementsByName('session')[0].value = 'over'")
    browser.driver.delete_all_cookies()
    press(browser.driver, "#get")
    browser.wait_for_text("验证码已发到")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    browser.type("code", code)
    browser.driver.execute_script("document.getElementsByName('session')[0].value += 'x'")
    press(browser.driver, "#submit")
    browser.wait(lambda: "/inquiries/" in browser.driver.current_url)


@pytest.mark.parametrize("when", ["lost before submitting", "never kept"])
def test_without_cookies_the_progress_is_shown_all_the_same(instance: Instance, browser: Phone, when: str) -> None:
    number = str(next(numbers))
    if when == "never kept":
        source = "Object.defineProperty(Document.prototype, 'cookie', {get: () => '', set: () => {}})"
        added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        browser.open(f"{instance.url}/internet-accounts")
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        browser.wait_for_text("浏览器没有保存 Cookie")
        assert browser.violations() == []
    browser.type("phone", number)
    browser.type("id_tail", "12345X")
    press(browser.driver, "#consent")
    press(browser.driver, "#consent_id")
    press(browser.driver, "#get")
    browser.wait_for_text("验证码已发到")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    browser.type("code", code)
    browser.driver.delete_all_cookies()
    press(browser.driver, "#submit")
    browser.wait_for_text("已受理，请留意")
    assert ("/inquiries/" in browser.driver.current_url) == (when == "lost before submitting")
    browser.wait_for_text("短信已发出")
    assert browser.find("#copy").is_displayed()


@pytest.mark.parametrize(
    ("fault", "button", "said"),
    [
        ("unanswered", "#submit", "没有收到答复，可能已经提交"),
        ("unanswered", "#get", "没有收到答复，验证码可能已发出"),
        ("unavailable", "#submit", "再点“提交查询”，不会重复受理"),
        ("unavailable", "#get", "没有发送验证码"),
        ("proxy's page", "#submit", "再点“提交查询”，不会重复受理"),
    ],
)
def test_what_is_said_of_a_call_that_failed_is_true(browser: Phone, fault: str, button: str, said: str) -> None:
    number = str(next(numbers))
    fill(browser, number)
    answers = {
        "unanswered": "Promise.reject(new TypeError('gone'))",
        "unavailable": 'new Response(\'{"code": "unavailable", "retry_after": 5}\', {status: 503})',
        "proxy's page": "new Response('<h1>Bad Gateway</h1>', {status: 502})",
    }
    browser.driver.execute_script(f"window.fetch = () => Promise.resolve().then(() => {answers[fault]})")
    press(browser.driver, button)
    browser.wait_for_text(said)
    assert_filled(browser, number)


def test_a_code_used_in_another_tab_leads_to_its_inquiry(instance: Instance, browser: Phone) -> None:
    number = str(next(numbers))
    here = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    there = browser.driver.current_window_handle
    browser.open(f"{instance.url}/internet-accounts")
    browser.type("phone", number)
    press(browser.driver, "#get")
    browser.wait_for_text("验证码已发到")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    for tab in (there, here):
        browser.driver.switch_to.window(tab)
        browser.type("phone", number)
        browser.type("id_tail", "12345X")
        browser.type("code", code)
        press(browser.driver, "#consent")
        press(browser.driver, "#consent_id")
        press(browser.driver, "#submit")
        if tab == there:
            browser.wait(lambda: "/inquiries/" in browser.driver.current_url)
            browser.driver.close()
    browser.wait_for_text("您刚才已提交过")


def test_the_whole_id_number_is_cut_to_its_last_six(browser: Phone) -> None:
    browser.type("id_tail", "１１０１０５ 19491231 002x")
    press(browser.driver, "#submit")
    browser.wait_for_text("这是整个身份证号码")
    assert browser.violations() == []
    press(browser.driver, "#say-id_tail button")
    assert browser.find("#id_tail").get_attribute("value") == "31002X"
    assert browser.find("#id_tail").get_attribute("aria-invalid") is None


def hold_answers(browser: Phone) -> None:
    """Let answers arrive only when `window.release()` is called."""
    browser.driver.execute_script(
        "const send = window.fetch; const held = new Promise((go) => { window.release = go; });"
        "window.fetch = async (...what) => { const answer = await send(...what); await held; return answer; };"
    )


@pytest.mark.parametrize("scripted", [True, False], ids=["javascript", "no-javascript"])
def test_the_security_check_asks_nothing_of_the_citizen(
    instance: Instance, browser: Phone, tmp_path: Path, scripted: bool
) -> None:
    """Drawn page 28: no puzzle, and the form goes on by itself; without scripts the way out is told."""
    number, document = str(next(numbers)), tmp_path / "catalogue.toml"
    plain = instance.onecert("config", "show")
    document.write_text(re.sub(r'(\[human_check\]\nkind = )"off"', r'\1"altcha"', plain))
    instance.onecert("config", "apply", str(document), "--yes")
    try:
        browser.javascript = scripted
        browser.run_scripts(scripted)
        browser.open(f"{instance.url}/internet-accounts")
        browser.type("phone", number)
        time.sleep(3)  # each process looks for a new catalogue every two seconds
        if scripted:
            assert_check_is_shown_and_stopped(browser)
        press(browser.driver, "#get")
        browser.wait_for_text("验证码已发到" if scripted else "安全验证没有完成")
        assert browser.find("#phone").get_attribute("value") == number
        browser.open(f"{instance.url}/objections?wish=dispute")
        browser.type("phone", str(next(numbers)))
        press(browser.driver, "#get")
        browser.wait_for_text("验证码已发到" if scripted else "安全验证没有完成")
    finally:
        document.write_text(plain)
        instance.onecert("config", "apply", str(document), "--yes")


def assert_check_is_shown_and_stopped(browser: Phone) -> None:
    """On a phone that never finds the answer: the page says so, and leads back to the form."""
    browser.driver.execute_script(
        "window.Quick = window.Worker; window.Worker = class { postMessage() {} terminate() { window.ended = true; } };"
    )
    press(browser.driver, "#get")
    browser.wait_for_text("安全验证进行中")
    assert not browser.find("#form").is_displayed()
    assert browser.driver.title.startswith("安全验证进行中")
    assert browser.driver.switch_to.active_element.tag_name == "h1"
    assert browser.violations() == []
    assert not browser.scrolls_sideways()
    press(browser.driver, "#stop")
    browser.wait(lambda: browser.find("#form").is_displayed())
    assert browser.driver.execute_script("window.Worker = window.Quick; return window.ended")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "get"
    assert "没有完成" not in browser.text()
