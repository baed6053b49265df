"""The sandbox's index page in a real browser, and the phone's page for a number that is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import Phone, phone
from tests.conftest import need
from tests.support.instances import Citizen, Instance


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("sandbox")) as browser:
        yield browser


def widen(browser: Phone, width: int) -> None:
    screen = {"width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def press(browser: Phone, path: str) -> None:
    """Press with the pointer whatever lies there, as a finger does."""
    target = browser.driver.find_element(By.XPATH, path)
    browser.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", target)
    ActionChains(browser.driver).move_to_element(target).click().perform()


@pytest.fixture
def well_again(instance: Instance) -> Iterator[None]:
    yield
    requests.post(f"{instance.sandbox_url}/behaviour", json={"side": "*", "mode": "ok"}, timeout=60).raise_for_status()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_shows_everybody_and_what_they_received_masked(instance: Instance, browser: Phone, scheme: str) -> None:
    citizen = Citizen(instance, "13510010001" if scheme == "light" else "13510010002")
    assert citizen.submit(citizen.receive_code()).status_code == 202
    instance.wait_for_messages(citizen.phone, 2)
    browser.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    widen(browser, 1280)
    browser.open(instance.sandbox_url)
    text = browser.text()
    masked = f"135****{citizen.phone[7:]}"
    assert citizen.phone not in text
    for words in (
        "13800000009",
        "000000",
        "工信微报",
        "支付宝小程序",
        "HTTP",
        "CMPP",
        "互联网企业 8 家",
        "电信企业 4 家",
    ):
        assert words in text
    row = next(line for line in browser.driver.find_elements(By.CSS_SELECTOR, "tr") if "tencent" in line.text)
    assert masked in row.text
    assert "立即答复" in row.text
    assert "0 次" not in row.text.split("立即答复")[1].split(" 次")[0]
    for width in (1280, 768, 375, 320):
        widen(browser, width)
        assert not browser.scrolls_sideways(), width
    widen(browser, 1280)
    assert browser.violations() == []
    assert browser.complaints() == []


def test_a_switch_takes_effect_at_once_and_says_so(instance: Instance, browser: Phone, well_again: None) -> None:
    widen(browser, 1280)
    browser.open(instance.sandbox_url)
    press(browser, "//input[@name='side'][@value='jd']/..//span[text()='静默']")
    browser.wait(lambda: browser.find("#says-jd").text == "收下请求，不答复")
    assert requests.get(f"{instance.sandbox_url}/behaviour", timeout=60).json()["jd"]["mode"] == "silent"
    radios = browser.driver.find_elements(By.XPATH, "//input[@name='side'][@value='jd']/..//input[@type='radio']")
    next(radio for radio in radios if radio.is_selected()).send_keys(Keys.ARROW_RIGHT)
    browser.wait(lambda: browser.find("#says-jd").text == "答“稍后再问”")
    browser.open(instance.sandbox_url)
    assert browser.find("#says-jd").text == "答“稍后再问”"
    browser.follow("form .quiet[type], .h form .quiet")
    assert browser.find("#says-jd").text == "立即答复"


def test_without_scripts_each_row_has_its_button(instance: Instance, browser: Phone, well_again: None) -> None:
    browser.run_scripts(False)
    widen(browser, 1280)
    browser.open(instance.sandbox_url)
    press(browser, "//input[@name='side'][@value='cmpp']/..//span[text()='拒绝']")
    press(browser, "//input[@name='side'][@value='cmpp']/..//button")
    browser.wait(lambda: browser.find("#says-cmpp").text == "拒收")
    assert browser.find("#says-http").text == "收下，送回执"
    browser.run_scripts(True)


@pytest.mark.parametrize(("path", "status"), [("/phone", 200), ("/phone/1380013", 404), ("/phone?number=abc", 404)])
def test_a_number_that_is_none_is_answered_with_a_page(
    instance: Instance, browser: Phone, path: str, status: int
) -> None:
    """pages fault D: `/phone` and a mistyped number led to /phone/0 and raw JSON."""
    assert requests.get(f"{instance.sandbox_url}{path}", timeout=60).status_code == status
    browser.resize(375)
    browser.open(instance.sandbox_url + path)
    assert "看哪个号码的短信？" in browser.text()
    assert ("不是手机号码" in browser.text()) == (status == 404)
    assert browser.violations() == []
    browser.find("input[name=number]").send_keys("138 0013 8000")
    browser.follow("footer button")
    assert browser.driver.current_url == f"{instance.sandbox_url}/phone/13800138000"
