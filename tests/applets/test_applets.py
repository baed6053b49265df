"""The reference clients: one client in two spellings, whose pages run under Node and whose calls are as documented."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from miniprogram_api.contract.openapi import build_document
from tests.applets.dialects import ALIPAY, OWN, WECHAT, alipay_name, alipay_text, shared_files
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


@pytest.mark.parametrize(("kind", "phone"), [("wechat", "13611110001"), ("alipay", "13611110002")])
def test_a_citizen_gets_from_the_mini_program_to_the_sms(kind: str, phone: str, instance: Instance) -> None:
    calls = run(kind, "live", api=f"{instance.url}/api/v1", sandbox=instance.sandbox_url, phone=phone)
    for call in calls:
        check(call)
    made = {(call["method"], re.sub(r"\d{12}", "{reference}", call["path"])) for call in calls}
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert made == documented


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


def test_the_words_are_those_of_the_web_pages() -> None:
    known = tomllib.loads((HERE.parents[1] / "wechat/pages/texts.toml").read_text())
    source = (WECHAT / "lib" / "texts.js").read_text()
    words = dict(re.findall(r"^  '([^']+)': (\".*\"),$", source, re.MULTILINE))
    assert len(words) > 100
    for key, text in words.items():
        assert json.loads(text) == known[key]["zh-CN"], key


@each_client
def test_a_client_loads_nothing_from_elsewhere_and_keeps_no_secret(kind: str) -> None:
    for path in CLIENTS[kind].rglob("*.*"):
        text = path.read_text()
        assert not re.search(r"session_key|app_?secret|https?://(?!127\.0\.0\.1)", text, re.IGNORECASE), path
    assert {name for name in OWN if (CLIENTS[kind] / name).is_file()} >= {"config.js", "lib/platform.js", "app.json"}
