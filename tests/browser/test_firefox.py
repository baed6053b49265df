"""The way to the progress page in Firefox: real presses, and each kind of mistake mended on the way.

Firefox speaks WebDriver BiDi by itself, so no geckodriver (which Debian lacks) stands between.
"""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.remote.websocket_connection import WebSocketConnection

from tests.conftest import need
from tests.support.instances import Instance
from tests.support.servers import PATIENCE_S, running, wait_until

numbers = itertools.count(13_400_400_000)
HELD_MS = 60


class Firefox:
    """One tab of a Firefox without a window, told what to do over BiDi."""

    def __init__(self, address: str) -> None:
        self.socket = WebSocketConnection(address, PATIENCE_S, 0.02)
        self.run("session.new", capabilities={})
        self.tab = self.run("browsingContext.getTree")["contexts"][0]["context"]

    def run(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command; its result."""
        reply = self.socket.send_cmd(method, parameters)
        assert "error" not in reply, reply
        result: dict[str, Any] = reply["result"]
        return result

    def open(self, url: str) -> None:
        """Go to an address, and wait until it is loaded."""
        self.run("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def evaluate(self, script: str) -> Any:
        """Return what an expression is on the page: a node's handle, a text, a number, true or false."""
        told = self.run("script.evaluate", expression=script, target={"context": self.tab}, awaitPromise=True)
        assert told["type"] == "success", told
        return told["result"] if told["result"]["type"] == "node" else told["result"].get("value")

    def act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        """Move a mouse or press keys, as a hand does."""
        source = {"type": kind, "id": kind, "actions": actions}
        self.run("input.performActions", context=self.tab, actions=[source])

    def press(self, selector: str) -> None:
        """Press what `selector` names in its middle; what moves away meanwhile is missed, as it is by a hand."""
        found = f"document.querySelector('{selector}')"
        self.evaluate(f"{found}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        node = {"type": "element", "element": {"sharedId": self.evaluate(found)["sharedId"]}}
        self.act(
            "pointer",
            [
                {"type": "pointerMove", "x": 0, "y": 0, "origin": node},
                {"type": "pointerDown", "button": 0},
                {"type": "pause", "duration": HELD_MS},
                {"type": "pointerUp", "button": 0},
            ],
        )

    def write(self, name: str, text: str) -> None:
        """Go into a field, and type over what stands there."""
        self.press(f"#{name}")
        self.evaluate(f"document.getElementById('{name}').select()")
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.act("key", keys)

    def wait_for_text(self, text: str, seconds: float = 60) -> None:
        """Wait until the page shows `text`."""
        deadline = time.monotonic() + seconds
        while text not in (shown := self.evaluate("document.body ? document.body.innerText : ''")):
            assert time.monotonic() < deadline, shown[:300]
            time.sleep(0.05)


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    need("firefox-esr")
    log, profile = tmp_path / "firefox.log", tmp_path / "profile"
    profile.mkdir()
    program = shutil.which("firefox-esr") or "firefox-esr"
    command = [program, "--headless", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank"]
    with running(command, log):
        listening = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
        wait_until(lambda: listening.search(log.read_text()))
        driven = Firefox(listening.findall(log.read_text())[0] + "/session")
        try:
            yield driven
        finally:
            driven.socket.close()


def test_from_the_form_to_the_progress_page(instance: Instance, firefox: Firefox) -> None:
    """pages fault A2: the first press after a mended mistake was lost in Firefox, too."""
    number = str(next(numbers))
    firefox.open(f"{instance.url}/internet-accounts")
    firefox.write("phone", "1380013")
    firefox.press("#get")
    firefox.wait_for_text("现在 7 位")
    firefox.write("phone", number)
    firefox.press("#get")  # a short number, mended
    firefox.wait_for_text("验证码已发到")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    firefox.write("id_tail", "1234")
    firefox.press("#submit")
    firefox.wait_for_text("有 4 处需要修改")
    assert firefox.evaluate("document.title").startswith("错误")
    firefox.write("id_tail", "12345X")
    firefox.press("#consent")  # a box, under the mended field's message
    firefox.press("#consent_id")
    assert firefox.evaluate("document.getElementById('consent').checked")
    firefox.press("#submit")  # a short tail, mended; the code is missing
    firefox.wait_for_text("有 1 处需要修改")
    firefox.write("code", f"{(int(code) + 1) % 1_000_000:06}")
    firefox.press("#submit")  # no code, mended by a wrong one
    firefox.wait_for_text("验证码不正确")
    firefox.write("code", code)
    firefox.press("#submit")  # a wrong code, mended
    firefox.wait_for_text("已受理")
    assert re.search(r"/inquiries/\d{12}$", firefox.evaluate("location.href"))
    instance.wait_for_messages(number, 2)
    firefox.wait_for_text("短信已发出")
