"""From WeChat's spelling of a page to Alipay's: the two reference clients are one client, and a test keeps them so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from wechat.pages.texts import load_texts

APPLETS = Path(__file__).parents[2] / "docs" / "applets"
WECHAT, ALIPAY = APPLETS / "wechat", APPLETS / "alipay"
SUFFIXES = {".wxml": ".axml", ".wxss": ".acss"}
OWN = {"config.js", "lib/platform.js", "app.json", "sitemap.json", "theme.json", "mini.project.json"}
OWN |= {"project.config.json", "project.private.config.json"}
"""Files that each client has in its own words."""

LANGUAGES = ("zh-CN", "en")
COMPOSED = ("e.", "soon.", "limit.", "privacy.", "help.", "t.", "down.", "f.consent_id.")
"""The client puts together the keys that begin so; all others it names."""

SPELLINGS = (
    ("wx:", "a:"),
    ('open-type="getPhoneNumber" bindgetphonenumber="usePhone"',
     'open-type="getAuthorize" scope="phoneNumber" onGetAuthorize="usePhone" onError="usePhone"'),
    ("bindtap=", "onTap="),
    ("bindinput=", "onInput="),
    (".wxml\"", ".axml\""),
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


def texts_of_client() -> str:
    """`lib/texts.js`: the web pages' texts that the client uses, in both languages."""
    known = load_texts()
    sources = [path.read_text() for path in WECHAT.rglob("*.js") if path.name != "texts.js"]
    named = {word for source in sources for word in re.findall(r"'([a-z0-9_.]+)'", source)}
    used = [key for key in known if key.startswith(COMPOSED) or key in named or key.removesuffix(".one") in named]
    lines = [
        "/* Written by `python -m tests.applets.dialects` from the web pages' texts; a test holds them together. */"
    ]
    lines.append("module.exports = {")
    for language in LANGUAGES:
        rows = [f"    '{key}': {json.dumps(known[key][language], ensure_ascii=False)}," for key in used]
        lines += [f"  '{language}': {{", *rows, "  },"]
    return "\n".join([*lines, "};", ""])


def write_alipay() -> None:
    """Write the texts anew, and Alipay's client from WeChat's: `python -m tests.applets.dialects`, after a change."""
    (WECHAT / "lib" / "texts.js").write_text(texts_of_client())
    for name in shared_files(WECHAT):
        path = ALIPAY / alipay_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(alipay_text(name, (WECHAT / name).read_text()))


if __name__ == "__main__":
    write_alipay()
