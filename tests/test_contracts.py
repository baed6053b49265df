"""Each import contract of pyproject.toml is proven by breaking it: a rule that cannot fail guards nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ["config", "enterprises", "sms_port", "query", "wechat", "miniprogram_api"]

# contract name -> (file to write into, line to plant)
VIOLATIONS = {
    "Imports run downward; folders on one row are strangers": [
        ("config/times/clock.py", "import query.errors"),
        ("enterprises/protocol.py", "from sms_port import segments"),
        ("wechat/webhook/autoreply.py", "from miniprogram_api import errors"),
        ("sms_port/segments.py", "def hidden() -> None:\n    import query.errors"),
    ],
    "app.py and assembly.py are imported by nobody": [
        ("query/upkeep/sweep.py", "import app"),
        ("config/ground.py", "import assembly"),
    ],
    "The rules of the inquiry are pure": [
        ("query/inquiry.py", "import sqlalchemy"),
        ("query/reply.py", "from config.db import engine"),
        ("query/intake/fields.py", "import enterprises.client"),
    ],
    "The protocols' texts are pure": [
        ("enterprises/protocol.py", "import requests"),
        ("wechat/webhook/push.py", "import flask"),
        ("miniprogram_api/logins/alipay_protocol.py", "from config.times import clock"),
    ],
    "The inquiry knows no web framework": [("query/intake/codes.py", "import flask")],
    "Doors and partners know no tables": [
        ("wechat/webhook/autoreply.py", "import sqlalchemy"),
        ("miniprogram_api/logins/wechat.py", "import pymysql"),
        ("enterprises/client.py", "from sqlalchemy import text"),
    ],
    "Only query knows the inquiry's tables": [("wechat/webhook/autoreply.py", "import query.models")],
    "Nobody in production imports a sandbox": [("query/upkeep/sweep.py", "import enterprises.sandbox.partners")],
    "The layers of config": [("config/crypto/nonces.py", "from config import audit")],
    "The layers of query": [("query/intake/codes.py", "from query.settling import advance")],
    "The layers of sms_port": [("sms_port/ledger/messages.py", "from sms_port.sending import claims")],
    "The layers of the SMS drivers": [("sms_port/links/session/link.py", "from sms_port.links.cmpp import codes")],
    "The layers of enterprises": [("enterprises/client.py", "from enterprises import views")],
    "The layers of wechat": [("wechat/platform/menu.py", "from wechat.webhook import push")],
    "The layers of miniprogram_api": [("miniprogram_api/logins/wechat.py", "from miniprogram_api import views")],
    "No cycles inside a folder": [("query/errors.py", "import query.inquiry\nimport query.intake.submit")],
}


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copy(ROOT / "assembly.py", tmp_path)
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_contract_has_a_planted_violation() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == set(VIOLATIONS)


def test_the_tree_as_it_stands_keeps_every_contract(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "file", "line"),
    [(name, file, line) for name, planted in VIOLATIONS.items() for file, line in planted],
)
def test_a_planted_violation_is_caught(copy: Path, name: str, file: str, line: str) -> None:
    path = copy / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = lint(copy)
    assert done.returncode != 0
    assert any(name in row and "BROKEN" in row for row in done.stdout.splitlines()), done.stdout
