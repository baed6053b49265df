"""A thirteenth partner joins a running system by catalogue alone, with callback, HMAC-SM3 and SM4GCM."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from enterprises.sandbox.partners import count_of
from tests.support.instances import Citizen, Instance, private_instance
from tests.support.servers import wait_until

numbers = itertools.count(13_500_000_000)

NEWCOMER = """
[[partners]]
code = "newcomer"
kind = "enterprise"
name = { zh = "新来", en = "Newcomer" }
short_name = "新来"
base_url = "{sandbox}/partners/newcomer"
allow_private = true
key_id = "newcomer-2026"
algorithm = "hmac-sm3"
seal = "SM4GCM"
batch_size = 100
connect_s = 3
read_s = 10
total_s = 15
retry_s = [2, 10, 30, 120, 300, 900]
applications = [{ code = "newcomer", name = { zh = "新来", en = "Newcomer" } }]


# Carriers"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running instance that gets a thirteenth partner."""
    with private_instance(tmp_path_factory.mktemp("grown")) as instance:
        first = Citizen(instance, str(next(numbers)))
        first.submit(first.receive_code())
        assert "新来" not in instance.wait_for_messages(first.phone, 2)[-1]["text"]
        path = Path(instance.log).with_name("grown.toml")
        path.write_text(instance.onecert("config", "show").replace("\n# Carriers", NEWCOMER, 1))
        instance.onecert("config", "secret", "set", "newcomer.key", "--yes", stdin="a-secret-agreed-with-the-newcomer")
        instance.onecert("config", "apply", str(path), "--note", "newcomer joins", "--yes")
        wait_until(lambda: "newcomer" in instance.onecert("partner", "list", "--json"))
        yield instance


def submitted(instance: Instance) -> Citizen:
    citizen = Citizen(instance, str(next(numbers)))
    assert citizen.submit(citizen.receive_code()).status_code == 202
    return citizen


def reply(instance: Instance, citizen: Citizen) -> str:
    return str(instance.wait_for_messages(citizen.phone, 2)[-1]["text"])


def test_its_count_is_in_the_reply_at_once_and_called_back(grown: Instance) -> None:
    wait_until(lambda: "新来" in reply(grown, submitted(grown)))
    for mode in ("ok", "callback"):
        grown.behave("newcomer", mode, 0.2)
        citizen = submitted(grown)
        text = reply(grown, citizen)
        assert f"新来{count_of('newcomer', citizen.phone)}个" in text
        assert "未反馈" not in text
    listed = {row["code"]: row for row in json.loads(grown.onecert("partner", "list", "--json"))}
    assert len(listed) == 13
    assert (listed["newcomer"]["state"], listed["newcomer"]["errors"]) == ("ok", 0)
    assert listed["newcomer"]["seal"] == "SM4GCM"


def test_the_conformance_run_and_the_check_know_it(grown: Instance) -> None:
    grown.behave("newcomer", "ok")
    rows = json.loads(grown.onecert("partner", "conformance", f"{grown.sandbox_url}/partners/newcomer", "--json"))
    assert {row["result"] for row in rows} == {"pass", "skip"}
    assert "counts" in grown.onecert("partner", "check", "newcomer")


def test_its_key_changes_without_a_gap(grown: Instance) -> None:
    """The sandbox reads the secrets where we do, so it takes both; we sign with the first."""
    grown.onecert("config", "secret", "set", "newcomer.key.next", "--yes", stdin="the-next-secret-of-the-newcomer")
    assert "新来" in reply(grown, submitted(grown)).split("。")[0]
    grown.onecert("config", "secret", "set", "newcomer.key", "--yes", stdin="the-next-secret-of-the-newcomer")
    for _ in range(3):
        assert "新来" in reply(grown, submitted(grown)).split("。")[0]


def test_a_carrier_that_knows_the_date_has_older_accounts_told(grown: Instance) -> None:
    grown.behave("china-mobile", "since")
    text = reply(grown, submitted(grown))
    grown.behave("china-mobile", "ok")
    assert re.search(r"其中\S+1个(，\S+1个)*在您持有本号码之前注册，可能属于原机主", text)


def test_switched_off_it_is_left_out(grown: Instance) -> None:
    grown.onecert("partner", "disable", "newcomer", "--yes")
    wait_until(lambda: "新来" not in reply(grown, submitted(grown)))
