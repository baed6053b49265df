"""`/api/v1/docs` in a real browser: every call shown under the strict policy, tried out, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By

from miniprogram_api.contract.operations import OPERATIONS
from tests.browser.chromium import Phone, phone
from tests.conftest import need
from tests.support.instances import Instance


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("docs")) as browser:
        screen = {"width": 1280, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        yield browser


def unfold(browser: Phone, instance: Instance, name: str, language: str) -> str:
    """Open the docs and one call in them; the selector of its block."""
    browser.open(f"{instance.url}/api/v1/docs?lang={language}")
    block = f"[id$='-{name}']"
    browser.press(f"{block} .opblock-summary-control")
    browser.find(f"{block} .opblock-body")
    return block


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_call_is_shown_and_nothing_breaks_the_policy(instance: Instance, browser: Phone, language: str) -> None:
    browser.open(f"{instance.url}/api/v1/docs?lang={language}")
    browser.find(".opblock")
    for operation in OPERATIONS:
        assert browser.driver.find_elements(By.CSS_SELECTOR, f"[id$='-{operation.name}']"), operation.name
    assert browser.violations() == []
    assert browser.complaints() == []


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-CN", ("试一试", "请求体", "响应", "示例", "填令牌")), ("en", ("Try it out", "Request body", "Responses"))],
)
def test_a_call_has_its_samples_and_the_viewers_words_are_of_the_language(
    instance: Instance, browser: Phone, language: str, words: tuple[str, ...]
) -> None:
    block = unfold(browser, instance, "submit", language)
    for word in words:
        browser.wait_for_text(word)
    shown = {}
    for tab in browser.driver.find_elements(By.CSS_SELECTOR, f"{block} .tabs [aria-pressed]"):
        tab.click()
        shown[tab.text] = browser.find(f"{block} .samples pre").text
    for look in ("light", "dark", "forced"):
        browser.dress(look)
        assert browser.violations() == [], look
    browser.dress("light")
    assert shown["curl"].startswith(f"curl -sS -X POST {instance.url}/api/v1/inquiries")
    assert "await fetch(" in shown["JavaScript"]
    assert "HttpRequest.newBuilder(" in shown["Java"]
    assert browser.complaints() == []


def test_a_call_is_tried_out_against_this_instance(instance: Instance, browser: Phone) -> None:
    block = unfold(browser, instance, "open_session", "zh-CN")
    browser.press(f"{block} .try-out__btn")
    browser.press(f"{block} .execute")
    assert browser.find(f"{block} .live-responses-table tbody .response-col_status").text.startswith("201")
    assert '"token"' in browser.find(f"{block} .live-responses-table tbody .response-col_description").text
    assert browser.complaints() == []
