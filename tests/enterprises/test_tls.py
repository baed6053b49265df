"""Partners over real TLS: whose certificate is believed, and what becomes of a question to the others."""

from __future__ import annotations

import dataclasses
import json
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from config.catalogue.schema import Partner
from config.ground import Ground, make_ground
from config.settings import load_settings
from enterprises.circuit_breaker import partner_health
from enterprises.cli import partner
from enterprises.client import ask
from enterprises.conformance.checks import CHECKS, Result, run_check
from enterprises.conformance.command import stranger
from enterprises.conformance.trial import Trial
from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Counts, Item
from tests.enterprises.faulty_partner import KEY_ID, SECRET, Faulty
from tests.enterprises.server import Server, as_json, patient
from tests.support.authority import Authority
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import serve

pytestmark = pytest.mark.usefixtures("logged")
(TLS,) = (check for check in CHECKS if check.name == "TLS")


def old_tls(authority: Authority) -> ssl.SSLContext:
    """A server that has not been looked after for years."""
    context = authority.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


BAD = {
    "of another name": lambda authority: authority.server("127.0.0.9"),
    "expired": lambda authority: authority.server(days=-1),
    "self-signed": lambda authority: authority.server(self_signed=True),
    "TLS 1.1": old_tls,
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(ground: Ground, authority: Authority, tmp_path: Path) -> Iterator[Ground]:
    """A Ground whose environment names the authority's file."""
    environment = {"ONECERT_DATA": str(tmp_path / "trusting"), "ONECERT_CA_FILE": str(authority.file)}
    ca_file = load_settings(environment).ca_file
    made = make_ground(dataclasses.replace(ground.settings, ca_file=ca_file), ground.clock)
    yield made
    made.redis.close()
    made.engine.dispose()


def tencent(ground: Ground, url: str) -> Partner:
    found = ground.catalogues.current().partner("tencent")
    assert found
    return patient(found).model_copy(update={"base_url": url})


def put(ground: Ground, url: str) -> Answer:
    items = [Item("a", phone="13912345678")]
    return ask(ground, tencent(ground, url), "count", "internet-accounts", items, LAUNCH_DAY + 60_000).by_id["a"]


def counting() -> Server:
    server = Server()
    server.reply = lambda q: as_json(200, {"batch": q["batch"], "items": [{"id": "a", "counts": {"weixin": 4}}]})
    return server


def test_the_authority_of_the_settings_is_believed(trusting: Ground, authority: Authority) -> None:
    with serve(counting().answer, authority.server()) as url:
        assert put(trusting, url) == Counts({"weixin": 4})


def test_without_it_the_same_server_is_not(ground: Ground, authority: Authority) -> None:
    server = counting()
    with serve(server.answer, authority.server()) as url, pytest.raises(EnterpriseError) as failure:
        put(ground, url)
    assert (failure.value.code, failure.value.detail) == ("unreachable", "no answer: tls")
    assert server.requests == []


@pytest.mark.parametrize("kind", BAD)
def test_any_other_certificate_gets_no_question_and_is_noted_and_logged(
    trusting: Ground, authority: Authority, logged: list[dict[str, Any]], kind: str
) -> None:
    server = counting()
    with serve(server.answer, BAD[kind](authority)) as url, pytest.raises(EnterpriseError) as failure:
        put(trusting, url)
    assert (failure.value.code, failure.value.detail) == ("unreachable", "no answer: tls")
    assert server.requests == []
    assert partner_health(trusting, tencent(trusting, "https://x.example")).errors == 1
    (line,) = [line for line in logged if line["event"] == "partner_failed"]
    assert (line["partner"], line["reason"]) == ("tencent", "no answer: tls")


def tls_check(url: str, ca_file: Path | None) -> Result:
    with Trial(stranger(url, {"key_id": KEY_ID}), SECRET, ca_file=ca_file) as trial:
        return run_check(TLS, trial)


def test_the_conformance_check_passes_a_good_certificate(authority: Authority) -> None:
    with serve(Faulty().answer, authority.server()) as url:
        assert tls_check(url, authority.file).state == "pass"
        assert tls_check(url, None).state == "fail"


@pytest.mark.parametrize("kind", BAD)
def test_the_conformance_check_fails_the_others(authority: Authority, kind: str) -> None:
    with serve(Faulty().answer, BAD[kind](authority)) as url:
        result = tls_check(url, authority.file)
    assert result.state == "fail"
    assert result.seen.startswith("TLS: ")


def test_the_conformance_check_fails_plain_http_that_is_not_on_this_machine() -> None:
    assert tls_check("http://partner.example/onecert", None).seen == "the address is plain http"


def test_the_command_runs_over_tls_with_the_authority_that_is_named(authority: Authority) -> None:
    with serve(Faulty().answer, authority.server()) as url:
        words = ["conformance", url, "--key-id", KEY_ID, "--secret-file", "-", "--ca-file", str(authority.file)]
        result = CliRunner().invoke(partner, [*words, "--json"], input=SECRET)
    rows = {row["check"]: row["result"] for row in json.loads(result.stdout)}
    assert (result.exit_code, rows["TLS"]) == (0, "pass")
