"""The files the pages are made of."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from config.net.assets import load_assets

STATIC = Path(__file__).parents[3] / "wechat/pages/static"


def test_the_vendored_parts_of_weui_are_as_their_makers_published_them() -> None:
    noted = dict(
        (name, digest)
        for digest, name in re.findall(r"([0-9a-f]{64})  (\S+)", (STATIC / "weui.LICENSE.txt").read_text())
    )
    whole = (STATIC / "weui.css").read_bytes()
    assert hashlib.sha256(whole).hexdigest() == noted["weui.css"]
    parts = [part for part in whole.split(b"\n/*!\n")]
    files = [parts[0], *(b"/*!\n" + part for part in parts[1:])]
    found = {hashlib.sha256(file.rstrip(b"\n")).hexdigest() for file in files}
    assert found <= set(noted.values())
    assert len(found) == 4


def test_an_address_names_the_content() -> None:
    assets = load_assets("wechat.pages", "/assets")
    assert re.fullmatch(r"/assets/[0-9a-f]{12}/pages\.css", assets.url("pages.css"))
    assert load_assets("wechat.pages", "/assets").digest == assets.digest
    with pytest.raises(KeyError):
        assets.url("missing.css")


def test_the_compressed_file_is_the_file() -> None:
    for asset in load_assets("wechat.pages", "/assets").by_name.values():
        assert gzip.decompress(asset.zipped) == asset.plain


def test_our_scripts_are_sent_without_comments_and_indentation() -> None:
    for name, asset in load_assets("wechat.pages", "/assets").by_name.items():
        if name.endswith(".js"):
            assert not re.search(rb"/\*|(?<!:)// |^\s", asset.plain, re.MULTILINE), name
            written = (STATIC / name).read_text()
            assert written.count("`") == len(re.findall("`[^`\n]*`", written)) * 2, "a text of several lines is changed"
            assert [line for line in asset.plain.decode().split("\n") if line not in written] == []


def test_the_budget_of_each_file_holds() -> None:
    sizes = {name: len(asset.zipped) for name, asset in load_assets("wechat.pages", "/assets").by_name.items()}
    scripts = {name: size for name, size in sizes.items() if name.endswith(".js")}
    assert max(scripts.values()) <= 4 * 1024
    form = {"page.js", "pages.js", "words.js", "fields.js", "form.js"}
    assert sum(scripts[name] for name in form) <= 8 * 1024  # all that a form loads before the first press
    progress = {"page.js", "pages.js", "words.js", "progress.js"}
    assert sum(scripts[name] for name in progress) <= 8 * 1024
    rarely = {"check.js", "home.js", "plain.js", "posted.js", "solver.js"}
    assert set(scripts) == form | progress | rarely
    assert sizes["pages.css"] <= 6 * 1024
    assert sizes["weui.css"] <= 5 * 1024


def test_our_style_loads_nothing_from_elsewhere() -> None:
    style = (STATIC / "pages.css").read_text()
    assert set(re.findall(r"url\(([^)]+)\)", style)) == {"check.svg"}
    assert "@import" not in style


def test_every_token_has_a_value_in_every_look() -> None:
    style = (STATIC / "pages.css").read_text()
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", style))
    base = re.findall(r":root \{(.*?)\n\}", style, re.S)[0]
    assert used <= set(re.findall(r"(--[a-z0-9-]+):", base))
    dark = re.findall(r":root:not\(\[data-theme=light\]\) \{(.*?)\n  \}", style, re.S)[0]
    chosen = re.findall(r":root\[data-theme=dark\] \{(.*?)\n\}", style, re.S)[0]
    assert dark.split() == chosen.split()
