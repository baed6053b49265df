"""A browser that goes through an instance and photographs pages into docs/pictures/."""

from __future__ import annotations

import re
from pathlib import Path

from tests.browser.chromium import Phone
from tests.support.instances import Instance

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


class Album:
    """Drives one browser through one instance; each method leaves the page to be photographed."""

    def __init__(self, instance: Instance, browser: Phone) -> None:
        self.instance, self.browser = instance, browser

    def take(self, name: str) -> None:
        """Save the page."""
        self.browser.picture(PICTURES / f"{name}.png")
        print(name)

    def take_in_all_looks(self, name: str, path: str) -> None:
        """The page light, dark, with large letters and in English."""
        for look, language in (("light", "zh-CN"), ("dark", "zh-CN"), ("elder", "zh-CN"), ("light", "en")):
            self.browser.look(self.instance.url, look, language)
            self.browser.open(self.instance.url + path)
            self.take(f"{name}-{'en' if language == 'en' else look}")
        self.browser.look(self.instance.url, "light")

    def fill(self, number: str, code: str = "", *, agree: bool = True) -> None:
        """A form with phone and ID, and a code if there is one."""
        self.browser.open(f"{self.instance.url}/internet-accounts")
        self.browser.type("phone", number)
        self.browser.type("id_tail", "12345X")
        if code:
            self.browser.type("code", code)
        if agree:
            self.browser.press("#consent")
            self.browser.press("#consent_id")

    def ask_code(self, number: str) -> str:
        """Ask for a code and read it from the phone."""
        before = len(self.instance.messages(number))
        self.browser.press("#get")
        text = self.instance.wait_for_messages(number, before + 1)[-1]["text"]
        self.browser.wait_for_text("验证码已发到")
        return re.findall(r"验证码(\d{6})", text)[0]

    def submit(self, expected: str) -> None:
        """Press the green button and wait for what the page says."""
        self.browser.press("#submit")
        self.browser.wait_for_text(expected)
