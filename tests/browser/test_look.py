"""Every page in every look: nothing for axe, nothing in the console, nothing wider than a small screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import LOOKS, Phone, phone
from tests.conftest import need
from tests.support.instances import Instance

PAGES = ["/", "/internet-accounts", "/phone-cards", "/guides", "/guides/tencent", "/help", "/privacy"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_accessible_and_fits(instance: Instance, browser: Phone, look: str, language: str) -> None:
    browser.look(instance.url, look, language)
    for path in PAGES:
        browser.resize(375)
        browser.open(instance.url + path)
        assert browser.violations() == [], path
        assert browser.complaints() == [], path
        assert not browser.scrolls_sideways(), path
        browser.resize(320)
        assert not browser.scrolls_sideways(), f"{path} at 320 px"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_text_of_twice_the_size_fits(instance: Instance, browser: Phone, language: str) -> None:
    browser.look(instance.url, "light", language)
    browser.resize(375)
    for path in PAGES:
        browser.open(instance.url + path)
        browser.driver.execute_script("document.documentElement.style.setProperty('font-size', '200%')")
        assert not browser.scrolls_sideways(), path


def test_a_page_that_is_not_there_is_accessible_too(instance: Instance, browser: Phone) -> None:
    browser.look(instance.url, "light")
    browser.open(f"{instance.url}/strange")
    browser.wait_for_text("没有找到这个页面")
    assert browser.violations() == []
    browser.complaints()  # the console notes every 404


def test_whatever_an_address_ends_in_the_page_works(instance: Instance, browser: Phone) -> None:
    browser.look(instance.url, "light")
    browser.open(f"{instance.url}/internet-accounts#%E0%A4%A")
    browser.press("#submit")
    browser.wait_for_text("有 4 处要改")  # said by the script; without it the whole page would be loaded anew
    assert browser.driver.current_url.endswith("#%E0%A4%A")
    assert browser.complaints() == []
    browser.open(f"{instance.url}/help#help-3")
    assert browser.driver.execute_script("return document.getElementById('help-3').open")


@pytest.mark.parametrize("look", LOOKS)
def test_what_is_touched_is_large_enough(instance: Instance, browser: Phone, look: str) -> None:
    """48 px high, 60 px with large letters; links inside a sentence are exempt."""
    browser.look(instance.url, look)
    browser.resize(375)
    for path in PAGES:
        browser.open(instance.url + path)
        low = browser.driver.execute_script(
            "const least = arguments[0];"
            "return [...document.querySelectorAll('a, button, input:not([type=hidden]), summary')]"
            ".map(node => node.closest('.weui-agree') && node.tagName === 'INPUT' ? node.closest('.weui-agree') : node)"
            ".filter(node => !node.closest('p, .weui-agree span, .unseen') && !node.matches('.skip, .unseen'))"
            ".filter(node => node.getBoundingClientRect().height < least)"
            ".map(node => node.outerHTML.slice(0, 80) + ' ' + node.getBoundingClientRect().height)",
            60 if "elder" in look else 48,
        )
        assert low == [], path


def test_the_page_is_complete_by_keyboard(instance: Instance, browser: Phone) -> None:
    browser.look(instance.url, "light")
    browser.open(f"{instance.url}/internet-accounts")
    seen = browser.driver.execute_script(
        "return [...document.querySelectorAll('a, button, input, summary')].filter(node => node.tabIndex >= 0"
        " && node.type !== 'hidden').map(node => node.id || node.className || node.textContent.trim())"
    )
    assert seen[0] == "skip"
    order = [name for name in seen if name in {"phone", "id_tail", "code", "get", "consent", "submit"}]
    assert order == ["phone", "id_tail", "code", "get", "consent", "submit"]
