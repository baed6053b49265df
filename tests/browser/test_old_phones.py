"""Browsers that lack what the script is written with: no button is ever dead.

Source: pages fault A4 (`event.submitter` and `replaceChildren`, iOS below 15.4 and 14); each other name is taken
away for the same reason. A phone that has all but the name works as without JavaScript, or as with it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Phone, phone
from tests.browser.pressing import press
from tests.conftest import need
from tests.support.instances import Instance

numbers = itertools.count(13_800_100_000)

MISSING = {
    "submitter": "delete SubmitEvent.prototype.submitter",
    "replaceChildren": "delete Element.prototype.replaceChildren",
    "append": "delete Element.prototype.append",
    "fetch": "delete window.fetch",
    "AbortController": "delete window.AbortController",
    "flatMap": "delete Array.prototype.flatMap",
    "trimEnd and padStart": "delete String.prototype.trimEnd; delete String.prototype.padStart",
    "getRandomValues": "delete Crypto.prototype.getRandomValues",
    "pointer events": "delete window.PointerEvent",
    "clipboard": "delete Navigator.prototype.clipboard",
    "iOS 15.3": "delete SubmitEvent.prototype.submitter; delete Array.prototype.at; delete window.structuredClone",
    "iOS 13": "delete SubmitEvent.prototype.submitter; delete Element.prototype.replaceChildren;"
    " delete String.prototype.replaceAll; delete window.SubmitEvent; delete Promise.any",
    "broken in the middle of a press": "String.prototype.normalize = () => { throw new Error('broken'); }",
    "broken when it is sent": "window.AbortController = function () { throw new Error('broken'); }",
    "broken when it is marked": "DOMTokenList.prototype.add = () => { throw new Error('broken'); }",
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.mark.parametrize("name", MISSING)
def test_an_old_phone_gets_its_code_and_its_answer(
    instance: Instance, browser: Phone, request: pytest.FixtureRequest, name: str
) -> None:
    number = str(next(numbers))
    browser.driver.delete_all_cookies()
    added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": MISSING[name]})
    request.addfinalizer(
        lambda: browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added) and None
    )
    browser.open(f"{instance.url}/internet-accounts")
    browser.type("phone", number)
    press(browser.driver, "#get")
    browser.wait_for_text("验证码已发到")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    browser.type("id_tail", "12345X")
    browser.type("code", code)
    press(browser.driver, "#consent")
    press(browser.driver, "#consent_id")
    press(browser.driver, "#submit")
    browser.wait(lambda: "/inquiries/" in browser.driver.current_url)
    instance.wait_for_messages(number, 2)
    browser.wait(lambda: ended(browser))


def ended(browser: Phone) -> bool:
    """The page says that the SMS is sent; a page that does not renew itself has a link for that."""
    if "短信已发出" in browser.text():
        return True
    if links := browser.driver.find_elements("css selector", ".refresh"):
        links[0].click()
    return False
