"""Every screen and state as a picture in docs/pictures/, taken from a private instance: `make pictures`."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.browser.album import PICTURES, Album
from tests.browser.chromium import phone
from tests.browser.pictures_after import after_the_count
from tests.support.instances import private_instance

WIDE = {
    "10-wide-home": "/",
    "11-wide-form": "/internet-accounts",
    "13-wide-guides": "/guides/tencent",
    "13-wide-help": "/help",
}
NUMBER, OTHER = "13800138000", "13800138001"


def main(wanted: list[str]) -> None:
    """Take those of the named parts, or all; stops at the first page that is not as expected."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        private_instance(Path(directory)) as instance,
        phone(Path(directory)) as browser,
    ):
        album = Album(instance, browser)
        parts = (pages, wide_pages, form_states, after_the_count, progress_states, tools, away_states, stand_ins)
        for part in parts:
            if not wanted or part.__name__ in wanted:
                part(album)


def pages(album: Album) -> None:
    """The pages that need nobody."""
    album.take_in_all_looks("01-home", "/")
    album.take_in_all_looks("02-query", "/internet-accounts")
    album.take_in_all_looks("04-guides", "/guides")
    album.take_in_all_looks("04-guide", "/guides/tencent")
    album.take_in_all_looks("05-help", "/help")
    album.take_in_all_looks("05-privacy", "/privacy")
    album.take_in_all_looks("06-cards", "/phone-cards")
    album.take_in_all_looks("08-notfound", "/strange")


def wide_pages(album: Album) -> None:
    """The pages on a desk's screen, and the form there with its faults."""
    for name, path in WIDE.items():
        for width, look in ((1280, "light"), *((1280, look) for look in ("dark", "elder") if path == "/")):
            album.browser.look(album.instance.url, look)
            album.browser.widen(width)
            album.browser.open(album.instance.url + path)
            album.take(f"{name}-{width}{'' if look == 'light' else '-' + look}")
    album.browser.look(album.instance.url, "light")
    album.browser.widen(768)
    album.browser.open(f"{album.instance.url}/")
    album.take("10-wide-home-768")
    album.browser.widen(1280)
    album.browser.open(f"{album.instance.url}/internet-accounts")
    album.browser.type("phone", "1380013800")
    album.browser.type("id_tail", "01123")
    album.submit("有 5 处需要修改")
    album.take("11-wide-form-1280-errors")
    album.browser.resize(375)
    for name, path in (("27-privacy-rights", "/privacy/rights"), ("27-accessibility", "/accessibility")):
        album.browser.open(album.instance.url + path)
        album.take(f"{name}-light")


def form_states(album: Album) -> None:
    """The form: faults, a code that is sent, asked for too soon, wrong; no net."""
    album.browser.look(album.instance.url, "light")
    album.browser.open(f"{album.instance.url}/internet-accounts")
    album.browser.type("phone", "1380013800")
    album.browser.type("id_tail", "12345")
    album.submit("有 5 处需要修改")
    album.take("02-query-errors")
    album.browser.look(album.instance.url, "elder")
    album.browser.open(f"{album.instance.url}/internet-accounts")
    album.submit("有 5 处需要修改")
    album.take("02-query-elder-errors")
    album.browser.look(album.instance.url, "light")
    album.fill(OTHER, agree=False)
    album.ask_code(OTHER)
    album.take("02-query-codesent")
    album.fill(OTHER)
    album.browser.press("#get")
    album.browser.wait_for_text("验证码刚刚发出")
    album.take("02-query-codetoosoon")
    album.fill(OTHER, "000000")
    album.submit("验证码不正确")
    album.take("02-query-codewrong")
    album.fill(OTHER, "000000")
    cut = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    album.browser.driver.execute_cdp_cmd("Network.enable", {})
    album.browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", cut)
    album.submit("网络断开了")
    album.take("02-query-offline")
    album.browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", cut | {"offline": False})


def progress_states(album: Album) -> None:
    """The progress page: while two companies are silent, and when the text is sent; and the phone that got it."""
    for silent in ("jd", "meituan"):
        album.instance.behave(silent, "500")
    album.fill(NUMBER)
    album.browser.type("code", album.ask_code(NUMBER))
    album.submit("8 家企业中，6 家已反馈")
    address = album.browser.driver.current_url.removeprefix(album.instance.url)
    album.take_in_all_looks("03-progress", address)
    album.browser.widen(1280)
    album.browser.open(album.instance.url + address)
    album.take("12-wide-progress-1280")
    album.browser.resize(375)
    for back in ("jd", "meituan"):
        album.instance.behave(back, "ok")
    album.instance.wait_for_messages(NUMBER, 2, seconds=90)
    album.browser.look(album.instance.url, "light")
    album.browser.open(album.instance.url + address)
    album.browser.wait_for_text("短信已发出")
    album.take("03-progress-closed")
    for name, look in (("07-sandbox-phone", "light"), ("07-sandbox-phone-dark", "dark")):
        album.browser.look(album.instance.url, look)
        album.browser.open(f"{album.instance.sandbox_url}/phone/{NUMBER}")
        album.take(name)


def tools(album: Album) -> None:
    """Return what developers see: the sandbox's index page, and the API docs with one call unfolded."""
    for side, mode in (("douyin", "slow"), ("baidu", "callback"), ("cmpp", "no_receipt"), ("china-unicom", "not_ours")):
        album.instance.behave(side, mode)
    album.browser.widen(1280)
    album.browser.open(album.instance.sandbox_url)
    album.take("14-sandbox-index-1280")
    for side in ("douyin", "baidu", "cmpp", "china-unicom"):
        album.instance.behave(side, "ok")
    for language, name in (("zh-CN", "16-api-docs-1280"), ("en", "16-api-docs-1280-en")):
        album.browser.open(f"{album.instance.url}/api/v1/docs?lang={language}")
        album.browser.press("[id$='-open_session'] .opblock-summary-control")
        album.browser.find("[id$='-open_session'] .samples")
        album.take(name)
    album.browser.resize(375)


def away_states(album: Album) -> None:
    """Return what a citizen sees while a carrier is silent, within the day of an inquiry, and while Redis hangs."""
    album.browser.look(album.instance.url, "light")
    album.instance.behave("china-mobile", "500")
    number = "13800138003"
    album.fill(number)
    album.browser.type("code", album.ask_code(number))
    album.submit("正在核验并查询")
    album.take("03-progress-received")
    album.instance.behave("china-mobile", "ok")
    album.fill(number)
    album.browser.press("#get")
    album.browser.wait_for_text("验证码刚刚发出")
    press_until(album, "验证码已发到")
    album.browser.type("code", re.findall(r"验证码(\d{6})", album.instance.messages(number)[-1]["text"])[0])
    album.submit("24 小时内已经查过")
    album.take("02-query-toosoon")
    album.fill(OTHER, "000000")
    album.take("02-query-filled")
    redis = next(child for child in psutil.Process(album.instance.pid).children() if "redis" in child.name())
    redis.suspend()
    try:
        album.submit("正在提交")
        album.take("02-query-sending")
        album.browser.wait_for_text("服务暂时无法使用")
        album.take("02-query-down")
    finally:
        redis.resume()


def stand_ins(album: Album) -> None:
    """The pages that stand in for the form: expired, and used-up codes."""
    album.browser.look(album.instance.url, "light")
    album.browser.open(f"{album.instance.url}/internet-accounts?ticket=old")
    album.take("02-query-expired")
    plain = album.instance.onecert("config", "show")
    apply(album, re.sub(r'(\[human_check\]\nkind = )"off"', r'\1"altcha"', plain))
    album.browser.open(f"{album.instance.url}/internet-accounts")
    album.browser.driver.execute_script("window.Worker = class { postMessage() {} terminate() {} }")  # a slow phone
    album.browser.type("phone", OTHER)
    press_until(album, "安全验证进行中")
    album.take("28-human-check-light")
    limited = re.sub(r"codes_per_phone_day = \d+", "codes_per_phone_day = 1", plain)
    limited = re.sub(r"code_per_phone_gap_s = \d+", "code_per_phone_gap_s = 1", limited)
    apply(album, limited)
    number = "13800138002"
    album.fill(number)
    album.ask_code(number)
    press_until(album, "次数已用完")
    album.take("02-query-limit")


def apply(album: Album, catalogue: str) -> None:
    """Have the instance work by this catalogue; each process looks for a new one every two seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(catalogue)
        file.flush()
        album.instance.onecert("config", "apply", file.name, "--note", "pictures", "--yes")
    time.sleep(3)


def press_until(album: Album, expected: str) -> None:
    """Press for codes until the page says so."""

    def said() -> bool:
        if expected in album.browser.text():
            return True
        if album.browser.find("#get").get_attribute("aria-disabled") is None:
            album.browser.press("#get")
        return False

    album.browser.wait(said, 120)


if __name__ == "__main__":
    main(sys.argv[1:])
