"""The first press after mending a mistake counts: each button, each kind of mistake, mouse and finger.

Source: pages fault A2 (the first two rows of MISTAKES and the consent box); the others are of the same kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.browser.chromium import Phone, phone
from tests.browser.pressing import POINTERS, press, rewrite
from tests.conftest import need
from tests.support.instances import Instance

numbers = itertools.count(13_700_000_000)


class Mistake(NamedTuple):
    """`first` is pressed on the form as `typed`; then `field` gets `better`, and `then` is pressed once."""

    typed: dict[str, str]
    first: str
    said: str
    field: str
    better: str
    then: str


PHONE = "{phone}"
GOOD = {"phone": PHONE, "id_tail": "12345X", "code": "123456"}
MISTAKES = {
    "short phone, code": Mistake({"phone": "1380013"}, "#get", "现在 7 位", "phone", PHONE, "#get"),
    "no phone, code": Mistake({}, "#get", "请填写手机号码", "phone", PHONE, "#get"),
    "no code, submit": Mistake(GOOD | {"code": ""}, "#submit", "6 位验证码", "code", "123456", "#submit"),
    "short tail, submit": Mistake(GOOD | {"id_tail": "1234"}, "#submit", "2 位", "id_tail", "123456", "#submit"),
    "short phone, submit": Mistake(GOOD | {"phone": "138"}, "#submit", "现在 3 位", "phone", PHONE, "#submit"),
    "phone told on submit, then a code": Mistake({"phone": "138"}, "#submit", "现在 3 位", "phone", PHONE, "#get"),
    "no code, consent": Mistake(GOOD | {"code": ""}, "#submit", "6 位验证码", "code", "123456", "#field-consent input"),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    need("chromium")
    with phone(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def another_visit(browser: Phone) -> None:
    """One session may ask for few codes."""
    browser.driver.delete_all_cookies()


@pytest.mark.parametrize(("pointer", "look"), [("mouse", "light"), ("touch", "elder")])
@pytest.mark.parametrize("name", MISTAKES)
def test_the_first_press_after_mending_counts(
    instance: Instance, browser: Phone, name: str, pointer: str, look: str
) -> None:
    mistake, number = MISTAKES[name], str(next(numbers))
    browser.look(instance.url, look)
    browser.open(f"{instance.url}/internet-accounts")
    watch_requests(browser)
    for field, text in mistake.typed.items():
        browser.find(f"#{field}").send_keys(text.format(phone=number))
    consents = mistake.then.endswith("input")
    if not consents:
        press(browser.driver, "#consent", pointer)
        press(browser.driver, "#consent_id", pointer)
    press(browser.driver, mistake.first, pointer)
    browser.wait_for_text(mistake.said)
    rewrite(browser.driver, f"#{mistake.field}", mistake.better.format(phone=number), pointer)
    press(browser.driver, mistake.then, pointer)
    if consents:
        assert browser.find("#consent").is_selected()
    else:
        path = "/api/v1/" + ("verification-codes" if mistake.then == "#get" else "inquiries")
        browser.wait(lambda: requests(browser) == [path], seconds=10)


@pytest.mark.parametrize("pointer", POINTERS)
def test_an_answer_that_comes_in_the_middle_of_a_press_moves_nothing(
    instance: Instance, browser: Phone, pointer: str
) -> None:
    """The answer to "get code" adds a line above the consent box while a finger lies on it."""
    browser.look(instance.url, "light")
    browser.open(f"{instance.url}/internet-accounts")
    browser.find("#phone").send_keys(str(next(numbers)))
    keep_answers_until_the_next_press(browser)
    press(browser.driver, "#get", pointer)
    press(browser.driver, "#consent", pointer, held_s=0.45)  # a finger that stays longer asks for a menu
    assert browser.find("#consent").is_selected()
    browser.wait_for_text("验证码已发到")


@pytest.mark.parametrize("pointer", POINTERS)
def test_a_message_stays_where_it_was_until_the_next_press(instance: Instance, browser: Phone, pointer: str) -> None:
    browser.look(instance.url, "light")
    browser.open(f"{instance.url}/internet-accounts")
    press(browser.driver, "#submit", pointer)
    browser.wait_for_text("请先阅读并勾选同意")
    before = browser.find("#submit").location
    for field, text in (("phone", str(next(numbers))), ("id_tail", "123456"), ("code", "123456")):
        rewrite(browser.driver, f"#{field}", text, pointer)
        assert browser.find(f"#{field}").get_attribute("aria-invalid") is None
        assert not browser.find(f"#say-{field}").is_displayed()
    press(browser.driver, "#consent", pointer)
    press(browser.driver, "#consent_id", pointer)
    assert browser.find("#submit").location == before


def watch_requests(browser: Phone) -> None:
    """Note the path of each request that the page sends from now on."""
    browser.driver.execute_script(
        "window.sent = []; const send = window.fetch;"
        "window.fetch = (...what) => { window.sent.push(what[0]); return send(...what); };"
    )


def requests(browser: Phone) -> list[str]:
    """The paths noted so far; nothing on a page that took the form's place by itself."""
    return list(browser.driver.execute_script("return window.sent") or [])


def keep_answers_until_the_next_press(browser: Phone) -> None:
    """Have each answer come 0.1 s after the pointer has gone down the next time."""
    browser.driver.execute_script(
        "const send = window.fetch;"
        "window.fetch = (...what) => {"
        "  const pressed = new Promise((go) => addEventListener("
        "    'pointerdown', () => setTimeout(go, 100), { capture: true, once: true }));"
        "  return send(...what).then((answer) => pressed.then(() => answer));"
        "};"
    )
