"""The way to the progress page in WebKit, the engine of every iPhone: real presses, a mistake mended on the way."""

from __future__ import annotations

import itertools
import os
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import WebKitGTK, WebKitGTKOptions
from selenium.webdriver.common.by import By
from selenium.webdriver.webkitgtk.service import Service

from tests.browser.pressing import press, rewrite
from tests.conftest import need
from tests.support.instances import Instance
from tests.support.servers import running, wait_until

numbers = itertools.count(13_500_300_000)


@pytest.fixture
def webkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebKitGTK]:
    need("WebKitWebDriver")
    need("Xvfb")
    browsers = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    assert browsers, "Debian's webkit2gtk-driver has it"
    options = WebKitGTKOptions()
    options.binary_location = str(browsers[-1])
    options.add_argument("--automation")
    monkeypatch.setenv("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
    log = tmp_path / "xvfb.log"
    with running(["Xvfb", "-displayfd", "1", "-screen", "0", "800x900x24"], log):
        wait_until(lambda: re.search(r"^\d+$", log.read_text(), re.MULTILINE))
        display = re.findall(r"^\d+$", log.read_text(), re.MULTILINE)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # selenium's own
            driver = WebKitGTK(options=options, service=Service(env=os.environ | {"DISPLAY": f":{display}"}))
        try:
            yield driver
        finally:
            driver.quit()


def test_from_the_form_to_the_progress_page(instance: Instance, webkit: WebKitGTK) -> None:
    """pages fault A2: the press after a mended mistake was lost in WebKit, too."""
    number = str(next(numbers))
    webkit.get(f"{instance.url}/internet-accounts")
    webkit.find_element(By.ID, "phone").send_keys("1380013")
    press(webkit, "#get")
    wait_for_text(webkit, "现在 7 位")
    rewrite(webkit, "#phone", number)
    press(webkit, "#get")
    wait_for_text(webkit, "验证码已发到")
    code = re.findall(r"验证码(\d{6})", instance.wait_for_messages(number, 1)[-1]["text"])[0]
    webkit.find_element(By.ID, "id_tail").send_keys("12345X")
    press(webkit, "#submit")
    wait_for_text(webkit, "有 3 处需要修改")
    rewrite(webkit, "#code", code)
    press(webkit, "#consent")
    press(webkit, "#consent_id")
    press(webkit, "#submit")
    wait_for_text(webkit, "已受理")
    assert re.search(r"/inquiries/\d{12}$", webkit.current_url)
    instance.wait_for_messages(number, 2)
    wait_for_text(webkit, "短信已发出")


def wait_for_text(driver: WebKitGTK, text: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while text not in driver.find_element(By.TAG_NAME, "body").text:
        assert time.monotonic() < deadline, driver.find_element(By.TAG_NAME, "body").text[:300]
        time.sleep(0.1)
