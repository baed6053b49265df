"""From WeChat's spelling of a page to Alipay's: the two reference clients are one client, and a test keeps them so."""

from __future__ import annotations

import json
from pathlib import Path

APPLETS = Path(__file__).parents[2] / "docs" / "applets"
WECHAT, ALIPAY = APPLETS / "wechat", APPLETS / "alipay"
SUFFIXES = {".wxml": ".axml", ".wxss": ".acss"}
OWN = {"config.js", "lib/platform.js", "app.json", "sitemap.json", "project.config.json", "mini.project.json"}
"""Files that each client has in its own words."""

SPELLINGS = (
    ("wx:", "a:"),
    ('open-type="getPhoneNumber" bindgetphonenumber="usePhone"',
     'open-type="getAuthorize" scope="phoneNumber" onGetAuthorize="usePhone" onError="usePhone"'),
    ("bindtap=", "onTap="),
    ("bindinput=", "onInput="),
)  # fmt: skip


def alipay_name(name: str) -> str:
    """`pages/home/home.wxml` is `pages/home/home.axml` there."""
    suffix = Path(name).suffix
    return name.removesuffix(suffix) + SUFFIXES.get(suffix, suffix)


def alipay_text(name: str, text: str) -> str:
    """A file of WeChat's client as Alipay's client has it."""
    if name.endswith(".wxml"):
        for wechats, alipays in SPELLINGS:
            text = text.replace(wechats, alipays)
    if name.endswith(".json"):
        title = json.loads(text)["navigationBarTitleText"]
        text = json.dumps({"defaultTitle": title}, ensure_ascii=False, indent=2) + "\n"
    return text


def shared_files(folder: Path) -> list[str]:
    """The files of a client that are not its own."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in names if name not in OWN)


def write_alipay() -> None:
    """Write Alipay's client anew from WeChat's: `python -m tests.applets.dialects`, after a change there."""
    for name in shared_files(WECHAT):
        path = ALIPAY / alipay_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(alipay_text(name, (WECHAT / name).read_text()))


if __name__ == "__main__":
    write_alipay()
