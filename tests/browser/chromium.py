"""Debian's Chromium at the size of a phone, and what it can be asked about a page."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.png import shrink
from tests.support.servers import PATIENCE_S

HERE = Path(__file__).parent
NEWEST_AXE = HERE / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM, CHROMEDRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
]
AXE = """
const done = arguments[arguments.length - 1];
const rules = arguments[0];
// A colour on its way from one to another may be too pale for a moment.
const moving = document.getAnimations().filter((each) => each instanceof CSSTransition);
Promise.allSettled(moving.map((each) => each.finished)).then(() => axe.run(document, {runOnly: rules})).then(
  (found) => done(
    found.violations.map((each) => [each.id, each.nodes.map((node) => node.target + ': ' + node.failureSummary)])));
"""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_DRESS = ["color-contrast", "link-in-text-block", "target-size"]
"""The rules whose outcome depends on colours and sizes alone."""
LOOKS = ("light", "dark", "elder", "elder-dark")
DRESSES = (*LOOKS, "forced")
T = TypeVar("T")


class Phone:
    """A browser, 375 px wide unless told otherwise. `look` is one of LOOKS."""

    def __init__(self, driver: Chrome, *, javascript: bool = True) -> None:
        self.driver = driver
        self.javascript = javascript
        self.resize(375)
        self.run_scripts(javascript)

    def run_scripts(self, on: bool) -> None:
        """Let pages run their scripts, or not."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not on})

    def resize(self, width: int) -> None:
        """Show pages this wide (CSS px), two device pixels each."""
        screen = {"width": width, "height": 812, "deviceScaleFactor": 2, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    def widen(self, width: int) -> None:
        """Show pages on a desk's screen this wide (CSS px)."""
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    def look(self, url: str, look: str, language: str = "zh-CN") -> None:
        """Choose colours as the phone's setting, letters and language as a visitor of `url` does."""
        self.dress(look)
        size = "elder" if "elder" in look else "standard"
        self.driver.get(f"{url}/help?size={size}&lang={language}")

    def dress(self, look: str) -> None:
        """Show the page in one of DRESSES without loading it anew."""
        features = {
            "prefers-color-scheme": "dark" if "dark" in look else "light",
            "forced-colors": "active" if look == "forced" else "none",
        }
        media = [{"name": name, "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        self.driver.execute_script(
            "if (arguments[0]) document.documentElement.dataset.size = 'elder';"
            "else delete document.documentElement.dataset.size;",
            "elder" in look,
        )

    def open(self, url: str) -> None:
        """Go to an address."""
        self.driver.get(url)

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector; waits for it."""
        return self.wait(lambda: self.driver.find_element(By.CSS_SELECTOR, selector))

    def type(self, name: str, text: str) -> None:
        """Fill in a field."""
        field = self.find(f"#{name}")
        field.clear()
        field.send_keys(text)

    def press(self, selector: str) -> None:
        """Press a button, a link or a box."""
        self.find(selector).click()

    def follow(self, selector: str) -> None:
        """Press a link, and wait until its page has taken the place of this one."""
        before = self.driver.find_element(By.TAG_NAME, "html").id
        self.press(selector)
        self.wait(lambda: self.driver.find_element(By.TAG_NAME, "html").id != before)
        self.wait(lambda: self.driver.execute_script("return document.readyState") == "complete")

    def wait_for_text(self, text: str, seconds: float = PATIENCE_S) -> None:
        """Wait until the page shows `text`."""
        self.wait(lambda: text in self.text(), seconds)

    def text(self) -> str:
        """All that the page shows."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def wait(self, ready: Callable[[], T], seconds: float = PATIENCE_S) -> T:
        """Call `ready` until it gives something; AssertionError after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(WebDriverException):  # not there yet, or gone with the page that it was on
                if found := ready():
                    return found
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s on {self.driver.current_url}: {self.text()[:300]}")

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last call; broken CSP is one of them."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def scrolls_sideways(self) -> bool:
        """Something is wider than the screen."""
        wide = self.driver.execute_script(
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return bool(wide)

    def violations(self, *, colours_only: bool = False) -> list[str]:
        """Return what axe finds: WCAG 2.0 to 2.2, levels A and AA, and its best practices.

        `colours_only`: a page that was looked at whole has only been dressed anew.
        """
        self.run_scripts(True)  # axe is one; a page that was loaded without scripts stays as it is
        self.driver.execute_script(axe_source())
        found = self.driver.execute_async_script(AXE, OF_DRESS if colours_only else RULES)
        self.run_scripts(self.javascript)
        return [json.dumps(violation, ensure_ascii=False) for violation in found]

    def picture(self, path: Path) -> None:
        """Save the whole page as PNG."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        width = self.driver.execute_script("return document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot: dict[str, Any] = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip}
        )
        path.write_bytes(shrink(self.driver, shot["data"]))


def axe_source() -> str:
    """The newest axe-core, which `make test` installs by npm; without npm the older one of a Python package.

    Of that package only this script is used, not its browser. A CI run takes the newest or fails.
    """
    if NEWEST_AXE.exists() or os.environ.get("CI") == "true":
        return NEWEST_AXE.read_text()
    spec = find_spec("axe_playwright_python")
    assert spec and spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text()


@contextlib.contextmanager
def phone(directory: Path, *, javascript: bool = True) -> Iterator[Phone]:
    """A browser of its own, with its files in `directory`; closed at the end of the block."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={directory / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(CHROMEDRIVER, env=os.environ | {"FONTCONFIG_FILE": str(HERE / "fonts.conf")})
    driver = Chrome(options=options, service=service)
    driver.set_script_timeout(PATIENCE_S)
    try:
        yield Phone(driver, javascript=javascript)
    finally:
        driver.quit()
