"""Both sides of the protocol by different hands: a partner made from the document alone conforms, and is asked."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from enterprises.cli import partner
from tests.support.instances import Citizen, Instance, private_instance
from tests.support.servers import free_port, wait_until

numbers = itertools.count(13_500_000_001)
PARTNER_SERVER = Path(__file__).with_name("partner_server.py")
KEY_ID, SECRET = "far-side", "the-secret-of-the-far-side-and-of-nobody-else"
ENTRY = """
[[partners]]
code = "far"
kind = "enterprise"
name = { zh = "远方", en = "Far" }
short_name = "远方"
base_url = "{far}"
allow_private = true
key_id = "far-side"
algorithm = "hmac-sm3"
batch_size = 100
connect_s = 3
read_s = 10
total_s = 15
retry_s = [2, 10, 30, 120, 300, 900]
applications = [{ code = "far", name = { zh = "远方", en = "Far" } }]


# Carriers"""


@contextlib.contextmanager
def partner_server(kind: str, code: str, *more: str) -> Iterator[str]:
    """Run the partner as a process that finds nothing of this project; yields its base URL."""
    words = [sys.executable, "-I", str(PARTNER_SERVER), kind, code, more[0], more[1], KEY_ID, SECRET, *more[2:]]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        child.kill()


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
@pytest.mark.parametrize(
    ("kind", "later"), [("enterprise", False), ("enterprise", True), ("carrier", False), ("carrier", True)]
)
def test_it_conforms(kind: str, later: bool, algorithm: str) -> None:
    port = free_port()
    callback = [f"http://127.0.0.1:{port}/partners/far/answers"] if later else []
    words = ["--kind", kind, "--code", "far", "--algorithm", algorithm, "--key-id", KEY_ID, "--secret-file", "-"]
    words += ["--application", "far"] if kind == "enterprise" else []
    words += ["--listen", f"127.0.0.1:{port}"] if later else []
    with partner_server(kind, "far", "far", algorithm, *callback) as url:
        result = CliRunner().invoke(partner, ["conformance", url, *words, "--json"], input=SECRET)
    rows = json.loads(result.stdout)
    assert [row for row in rows if row["result"] == "fail"] == []
    assert result.exit_code == 0
    assert {row["check"]: row["result"] for row in rows}["callback"] == ("pass" if later else "skip")


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Instance]:
    """A running instance whose largest carrier, and a thirteenth partner that calls back, are the far side."""
    with contextlib.ExitStack() as opened:
        instance = opened.enter_context(private_instance(tmp_path))
        carrier = opened.enter_context(partner_server("carrier", "china-mobile", "-", "hmac-sha256"))
        callback = f"{instance.url}/partners/far/answers"
        enterprise = opened.enter_context(partner_server("enterprise", "far", "far", "hmac-sm3", callback))
        catalogue = instance.onecert("config", "show").replace("{sandbox}/partners/china-mobile", carrier)
        catalogue = catalogue.replace('key_id = "onecert-china-mobile"', f'key_id = "{KEY_ID}"')
        path = tmp_path / "far.toml"
        path.write_text(catalogue.replace("\n# Carriers", ENTRY.replace("{far}", enterprise), 1))
        for code in ("far", "china-mobile"):
            instance.onecert("config", "secret", "set", f"{code}.key", "--yes", stdin=SECRET)
        instance.onecert("config", "apply", str(path), "--note", "the far side joins", "--yes")
        yield instance


def test_a_whole_inquiry_goes_through_it(joined: Instance) -> None:
    wait_until(lambda: "远方" in reply(joined, str(next(numbers))))
    number = str(next(numbers))
    text = reply(joined, number)
    assert f"远方{number[-1]}个" in text
    assert "未反馈" not in text
    listed = {row["code"]: row for row in json.loads(joined.onecert("partner", "list", "--json"))}
    for code in ("far", "china-mobile"):
        assert listed[code]["errors"] == 0
        assert listed[code]["calls"] >= 1
    refused = Citizen(joined, str(next(numbers)))
    refused.submit(refused.receive_code(), id_tail="000000")
    assert "查询未完成" in joined.wait_for_messages(refused.phone, 2)[-1]["text"]


def reply(instance: Instance, phone: str) -> str:
    citizen = Citizen(instance, phone)
    citizen.submit(citizen.receive_code())
    return str(instance.wait_for_messages(phone, 2)[-1]["text"])
