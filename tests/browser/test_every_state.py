"""Each state of each form and page, in every dress: nothing for axe, and nothing wider than a small screen at 200 %.

A page is brought into a state once, and then dressed anew. What the server would say is played where it takes hours or
a failing host to be said: the script and the page are ours all the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import pytest

from tests.browser.chromium import DRESSES, Phone, phone
from tests.conftest import need
from tests.support.instances import Instance

numbers = itertools.count(13_300_500_000)

Answer = tuple[int, dict[str, Any]] | None | Literal["pending"]
"""Status and body of what the server says; None: nothing at all; pending: nothing yet."""
SENT = {"phone": "138****8000", "expires_in": 300, "resend_after": 60}
ANSWERS: Mapping[str, Answer] = {
    "code sent": (202, SENT),
    "code too soon": (429, {"code": "limit_reached", "limit": "code_per_phone_gap", "retry_after": 40}),
    "no code": (503, {"code": "unavailable", "retry_after": 5}),
    "codes used up": (429, {"code": "limit_reached", "limit": "codes_per_phone_day", "retry_after": 40_000}),
    "check failed": (403, {"code": "human_check_required", "challenge": {}}),
}
REFUSALS: Mapping[str, Answer] = {
    "code wrong": (422, {"code": "code_wrong", "tries_left": 3}),
    "five tries used up": (422, {"code": "code_wrong", "tries_left": 0}),
    "code expired": (422, {"code": "code_expired"}),
    "submitted before": (409, {"code": "idempotency_conflict", "reference": "482719356041"}),
    "within the day": (429, {"code": "too_soon", "retry_after": 70_000}),
    "submissions used up": (
        429,
        {"code": "limit_reached", "limit": "submissions_per_session_hour", "retry_after": 900},
    ),
    "down": (503, {"code": "unavailable", "retry_after": 5}),
    "no answer": None,
    "sending": "pending",
}
PLAY = """
const answer = arguments[0];
window.fetch = () => answer === 'pending' ? new Promise(() => {}) : answer === null ? Promise.reject(new TypeError())
  : Promise.resolve(new Response(JSON.stringify(answer[1]), { status: answer[0] }));
"""
TWICE = """
const root = document.documentElement;
root.style.fontSize = 2 * parseFloat(getComputedStyle(root).fontSize) + 'px';
"""
WIDE = """
const screen = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > screen + 0.5)
  .map((node) => node.outerHTML.slice(0, 120) + ' ' + node.getBoundingClientRect().right).slice(-8);
"""
USUAL = "document.documentElement.style.removeProperty('font-size')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def assert_fine(browser: Phone, state: str) -> None:
    """Look at the page as it is in every dress, at 375 px; then with letters of twice the size, and at 320 px.

    Another language changes lengths, not colours; colours change no lengths.
    """
    english = browser.find("html").get_attribute("lang") == "en"
    for look in ("light", "elder") if english else DRESSES:
        browser.dress(look)
        assert browser.violations(colours_only=look != "light") == [], f"{state}, {look}"
        for width in (320, 375) if look in ("light", "elder") else ():
            browser.resize(width)
            assert wide_parts(browser) == [], f"{state}, {look}, {width} px"
            browser.driver.execute_script(TWICE)
            assert wide_parts(browser) == [], f"{state}, {look}, {width} px, letters of twice the size"
            browser.driver.execute_script(USUAL)
    browser.dress("light")


def wide_parts(browser: Phone) -> list[str]:
    """Return what is wider than the screen; nothing where the page does not scroll sideways."""
    return list(browser.driver.execute_script(WIDE)) if browser.scrolls_sideways() else []


@pytest.fixture(params=["zh-CN", "en"])
def opened(request: pytest.FixtureRequest, instance: Instance, browser: Phone) -> Callable[[str], None]:
    """Open a page of the instance, in one language and then in the other."""
    browser.driver.delete_all_cookies()
    browser.look(instance.url, "light", request.param)
    return lambda path: browser.open(instance.url + path)


def fill(browser: Phone) -> None:
    for name, text in {"phone": str(next(numbers)), "id_tail": "12345X", "code": "123456"}.items():
        browser.type(name, text)
    for tick in ("consent", "consent_id"):
        browser.press(f"#{tick}")


@pytest.mark.parametrize(
    "form", ["/internet-accounts", "/phone-cards", "/objections?wish=unbind", "/objections?wish=dispute"]
)
def test_every_fault_of_a_form_at_once(browser: Phone, opened: Callable[[str], None], form: str) -> None:
    opened(form)
    if "phone-cards" not in form:
        browser.type("id_tail", "11010519491231002X")
    browser.press("#submit")
    browser.find("#box a")
    browser.find("#say-consent_id")
    assert_fine(browser, form)


@pytest.mark.parametrize("state", ANSWERS)
def test_every_answer_to_get_code(browser: Phone, opened: Callable[[str], None], state: str) -> None:
    opened("/internet-accounts")
    browser.type("phone", str(next(numbers)))
    browser.driver.execute_script(PLAY, ANSWERS[state])
    browser.press("#get")
    browser.find("#say-code, #box, main > .disc")
    assert_fine(browser, state)


@pytest.mark.parametrize("state", REFUSALS)
def test_every_answer_to_submit(browser: Phone, opened: Callable[[str], None], state: str) -> None:
    opened("/internet-accounts")
    fill(browser)
    browser.driver.execute_script(PLAY, REFUSALS[state])
    browser.press("#submit")
    browser.find(".weui-btn_loading" if state == "sending" else "#say-code, #box, main > .disc")
    assert_fine(browser, state)


@pytest.mark.parametrize("path", ["/objections", "/lookup", "/internet-accounts?ticket=bad", "/strange", "/guides/jd"])
def test_pages_that_stand_alone(browser: Phone, opened: Callable[[str], None], path: str) -> None:
    opened(path)
    assert_fine(browser, path)
    if path == "/lookup":
        browser.press("form .weui-btn_primary")
        browser.find(".said_bad, #box")
        assert_fine(browser, "lookup with faults")
