"""The reference clients: one client in two spellings, whose pages run under Node and whose calls are as documented."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from config.catalogue.document import load_catalogue
from config.catalogue.launch import find_launch_faults
from miniprogram_api.contract.openapi import build_document
from tests.applets.dialects import ALIPAY, OWN, WECHAT, alipay_name, alipay_text, shared_files, texts_of_client
from tests.conftest import need
from tests.support.instances import Instance

HERE = Path(__file__).parent
CLIENTS = {"wechat": WECHAT, "alipay": ALIPAY}
DOCUMENT = build_document()
SCENARIOS = re.findall(r"^exports\.([a-z_]+) =", (HERE / "scenarios.js").read_text(), re.MULTILINE)

each_client = pytest.mark.parametrize("kind", CLIENTS)


def run(kind: str, scenario: str, **more: str) -> list[dict[str, Any]]:
    """Play a scenario under Node; the calls that were made."""
    need("node")
    play = {"client": str(CLIENTS[kind]), "kind": kind, "scenario": scenario, "api": "http://api.test/api/v1", **more}
    command = [shutil.which("node") or "node", str(HERE / "stage.js")]
    done = subprocess.run(command, input=json.dumps(play), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    calls: list[dict[str, Any]] = json.loads(done.stdout)["calls"]
    return calls


def check(call: dict[str, Any]) -> None:
    """Hold a call against the OpenAPI document: address, method, body, and no header that it does not tell."""
    path = next(path for path in DOCUMENT["paths"] if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", path), call["path"]))
    told = DOCUMENT["paths"][path][call["method"].lower()]
    assert ("Authorization" in call["headers"]) == bool(told["security"]), call["path"]
    named = {parameter["name"] for parameter in told.get("parameters", []) if parameter["in"] == "header"}
    assert set(call["headers"]) <= {"Accept", "Content-Type", "Authorization"} | named
    assert (call["body"] is None) == ("requestBody" not in told)
    if call["body"] is not None:
        schema = told["requestBody"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate(schema | {"components": DOCUMENT["components"]}, call["body"])


@each_client
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "live"])
def test_the_pages_do_as_the_scenario_says(kind: str, scenario: str) -> None:
    for call in run(kind, scenario):
        if call["headers"].get("Authorization") or call["path"] != "/inquiries/111111111111":
            check(call)


OTHERS = {
    ("POST", "/counter/inquiries"),
    ("POST", "/helps"),
    ("POST", "/verifications"),
    ("POST", "/voice/inquiries"),
}
"""Calls of voice systems and shops, and what the reference clients leave to the web pages."""


@pytest.mark.parametrize(("kind", "phone"), [("wechat", "13611110001"), ("alipay", "13611110002")])
def test_a_citizen_gets_from_the_mini_program_to_the_sms(kind: str, phone: str, instance: Instance) -> None:
    calls = run(kind, "live", api=f"{instance.url}/api/v1", sandbox=instance.sandbox_url, phone=phone)
    for call in calls:
        check(call)
    made = {(call["method"], re.sub(r"\d{12}", "{reference}", call["path"])) for call in calls}
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert made == documented - OTHERS


def test_alipays_client_is_wechats_in_alipays_spelling() -> None:
    assert shared_files(ALIPAY) == sorted(alipay_name(name) for name in shared_files(WECHAT))
    for name in shared_files(WECHAT):
        assert (ALIPAY / alipay_name(name)).read_text() == alipay_text(name, (WECHAT / name).read_text()), name


@each_client
def test_every_page_has_its_four_files_and_is_named_once(kind: str) -> None:
    folder = CLIENTS[kind]
    pages = json.loads((folder / "app.json").read_text())["pages"]
    suffixes = {".js", ".json", {"wechat": ".wxml", "alipay": ".axml"}[kind]}
    for page in pages:
        assert {path.suffix for path in (folder / page).parent.iterdir()} == suffixes
    assert sorted(f"pages/{path.name}/{path.name}" for path in (folder / "pages").iterdir()) == sorted(pages)


def test_the_words_are_those_of_the_web_pages_in_both_languages() -> None:
    """After a change of the pages' texts: `python -m tests.applets.dialects`."""
    written = (WECHAT / "lib" / "texts.js").read_text()
    assert written == texts_of_client()
    assert len(re.findall(r"^    '", written, re.MULTILINE)) > 250


@each_client
def test_buttons_outrank_the_platforms_own_rules(kind: str) -> None:
    """pages fault E: `style: v2` made each button 184 px wide and centred, over any rule with one class."""
    folder = CLIENTS[kind]
    assert "style" not in json.loads((folder / "app.json").read_text())
    sheet = (folder / {"wechat": "app.wxss", "alipay": "app.acss"}[kind]).read_text()
    pages = [path.read_text() for path in folder.rglob("*.?xml")]
    classes = {name for page in pages for name in re.findall(r'<button[^>]* class="(\w+)"', page)}
    assert classes >= {"card", "primary", "side", "link"}
    for name in classes:
        rule = re.findall(rf"(?:^|, )button\.{name} {{ ([^}}]+)}}", sheet, re.MULTILINE)[0]
        assert "width:" in rule
        assert "margin:" in rule


@each_client
def test_every_page_has_large_letters_and_the_other_language(kind: str) -> None:
    """pages fault E: large letters were on the first page only, and nothing was in English."""
    folder = CLIENTS[kind]
    for page in json.loads((folder / "app.json").read_text())["pages"]:
        text = next(path for path in (folder / page).parent.iterdir() if path.suffix.endswith("xml")).read_text()
        assert "parts/top." in text, page
        assert "elder ? 'elder'" in text, page


def test_the_platforms_privacy_and_dark_mode_are_switched_on() -> None:
    wechat, alipay = (json.loads((folder / "app.json").read_text()) for folder in (WECHAT, ALIPAY))
    assert wechat["__usePrivacyCheck__"] is alipay["usePrivacyCheck"] is True
    assert wechat["darkmode"] is True
    theme = json.loads((WECHAT / wechat["themeLocation"]).read_text())
    for value in wechat["window"].values():
        assert not value.startswith("@") or {value[1:]} <= set(theme["light"]) & set(theme["dark"])
    sheet = (WECHAT / "app.wxss").read_text()
    assert "prefers-color-scheme: dark" in sheet
    plain = re.sub(r"--\w+: #[0-9a-f]{6};", "", sheet)
    assert not re.search(r"#[0-9a-f]{3,6}", plain), "a colour that is the same by day and by night"


README = (WECHAT.parent / "README.md").read_text()


def test_the_readmes_entrances_are_accepted_by_the_catalogue(instance: Instance) -> None:
    """pages fault E: the copy-paste of step 2 said `url`, and `config check` had no such key."""
    blocks = [
        "\n".join(line.strip() for line in one.splitlines()) for one in re.findall(r"```toml\n(.*?)```", README, re.S)
    ]
    assert [tomllib.loads(block)["entrances"][0]["code"] for block in blocks] == ["wechat-applet", "alipay-applet"]
    document = instance.onecert("config", "show")
    for block, kind in zip(blocks, ("wechat-applet", "alipay-applet"), strict=True):
        before = next(
            one for one in re.split(r"(?=^\[\[entrances\]\])", document, flags=re.M) if f'code = "{kind}"' in one
        )
        document = document.replace(before, f"{block}\n{before[before.index(chr(10) * 2) :]}")
        assert f'code = "{kind}"' in document
    document = document.replace("wx…", "wx00000000000000c1").replace("2021…", "2021000000000009")
    faults = find_launch_faults(load_catalogue(document))
    assert faults and all("entrances" not in fault.partition(":")[0] for fault in faults)


def test_the_readmes_commands_do_what_they_say(instance: Instance) -> None:
    names = [
        one
        for row in re.findall(r"onecert config secret set ([^|]+)\|", README)
        for one in re.findall(r"[\w-]+\.\w+", row)
    ]
    assert set(names) >= {"wechat-applet.app_secret", "wechat-applet.token", "alipay-applet.private_key"}
    known = {row["name"] for row in json.loads(instance.onecert("config", "secret", "list", "--json"))}
    assert set(names) <= known
    instance.onecert("config", "secret", "set", "wechat-applet.app_secret", "--yes", stdin="0123456789abcdef" * 2)
    played = re.findall(r"`onecert (account push [^`]+)`", README)
    assert played
    for command in played:
        instance.onecert(*command.split())
    module, _, _ = re.findall(r"`python -m ([\w.]+) (<) (FILE)`", README)[0]
    assert importlib.util.find_spec(module)


@each_client
def test_a_client_loads_nothing_from_elsewhere_and_keeps_no_secret(kind: str) -> None:
    for path in CLIENTS[kind].rglob("*.*"):
        text = path.read_text()
        assert not re.search(r"session_key|app_?secret|https?://(?!127\.0\.0\.1)", text, re.IGNORECASE), path
    assert {name for name in OWN if (CLIENTS[kind] / name).is_file()} >= {"config.js", "lib/platform.js", "app.json"}
