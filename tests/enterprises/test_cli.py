"""`onecert partner`: lists, switches with an audit row, and tries a partner out without showing a count."""

import json

import pytest
from click.testing import CliRunner, Result

from config import audit
from config.db.engine import begin, reading
from config.ground import Ground
from enterprises.circuit_breaker import PartnerHealth, partner_health, record_result
from enterprises.cli import partner
from enterprises.partners import find_partner
from tests.enterprises.server import Sandbox

pytestmark = pytest.mark.usefixtures("logged")


def run(ground: Ground, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(partner, arguments, input=answer, obj=ground)


def test_all_partners_are_listed(ground: Ground) -> None:
    result = run(ground, "list", "--json")
    listed = {row["code"]: row for row in json.loads(result.stdout)}
    assert len(listed) == 12
    assert listed["tencent"]["applications"] == "weixin, qq"
    assert listed["china-mobile"]["kind"] == "carrier"
    assert "腾讯" in run(ground, "list").stdout


def test_disabling_writes_a_version_and_an_audit_row(ground: Ground) -> None:
    before = ground.catalogues.current().version
    result = run(ground, "disable", "tencent", "--yes")
    assert result.exit_code == 0
    catalogue = ground.catalogues.current()
    assert catalogue.version == before + 1
    assert "tencent" not in [enterprise.code for enterprise in catalogue.enterprises()]
    assert f"version {before + 1}" in result.stdout
    with reading(ground.engine) as db:
        entry = audit.listing(db, 1)[0]
    assert (entry.action, entry.subject) == ("partner.disable", "tencent")


def test_enabling_brings_it_back_where_it_was(ground: Ground) -> None:
    before = ground.catalogues.current().enterprises()
    run(ground, "disable", "baidu", "--yes")
    assert run(ground, "enable", "baidu", "--yes").exit_code == 0
    assert ground.catalogues.current().enterprises() == before


def test_a_dry_run_changes_nothing(ground: Ground) -> None:
    before = ground.catalogues.document()
    result = run(ground, "disable", "tencent", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "would disable tencent\n")
    assert ground.catalogues.document() == before


def test_nobody_to_ask_means_no(ground: Ground) -> None:
    before = ground.catalogues.document()
    assert run(ground, "disable", "tencent").exit_code == 1
    assert ground.catalogues.document() == before


def test_switching_what_is_switched_changes_nothing(ground: Ground) -> None:
    before = ground.catalogues.current().version
    result = run(ground, "enable", "tencent", "--yes")
    assert (result.exit_code, result.stdout) == (0, "tencent is enabled already\n")
    assert ground.catalogues.current().version == before


@pytest.mark.parametrize("command", ["enable", "disable", "check"])
def test_an_unknown_partner_is_one_line_and_exit_1(ground: Ground, command: str) -> None:
    result = run(ground, command, "nobody")
    assert result.exit_code == 1
    assert result.stderr == "Error: the catalogue has no such partner; `onecert partner list` shows them\n"


@pytest.mark.parametrize(
    ("asked", "meant"), [("tencnet", "tencent"), ("baidou", "baidu"), ("china-mobil", "china-mobile")]
)
def test_a_slip_of_the_pen_is_told_the_name_that_was_meant(ground: Ground, asked: str, meant: str) -> None:
    """Output 13: `the catalogue has no such partner`, and nothing more."""
    result = run(ground, "check", asked)
    assert result.stderr == f"Error: the catalogue has no such partner; did you mean {meant}?\n"


def test_a_reset_closes_the_breaker_and_is_audited(ground: Ground) -> None:
    jd = find_partner(ground, "jd")
    for _ in range(jd.breaker_failures):
        record_result(ground, jd, "unreachable")
    row = next(row for row in json.loads(run(ground, "list", "--json").stdout) if row["code"] == "jd")
    assert row["state"] == "breaker open (unreachable)"
    assert run(ground, "reset", "jd", "--dry-run").stdout == "would forget the failures of jd and call it again\n"
    assert partner_health(ground, jd).breaker == "open"
    assert run(ground, "reset", "jd", "--yes").exit_code == 0
    assert partner_health(ground, jd) == PartnerHealth()
    with reading(ground.engine) as db:
        assert audit.listing(db, 1)[0].action == "partner.reset"


def test_a_call_that_fails_names_whom_it_was_to_reach(ground: Ground) -> None:
    """Output 8: `the call failed: refused`, without an address."""
    nowhere = ground.catalogues.document().replace("{sandbox}/partners/jd", "http://127.0.0.1:1/jd")
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, nowhere, "jd is away", "test", ground.clock.now())
    result = run(ground, "check", "jd")
    assert result.stderr == "Error: the call to 127.0.0.1:1 failed: nobody listens there, or a firewall refuses\n"


def test_wrong_usage_is_exit_2(ground: Ground) -> None:
    assert run(ground, "enable").exit_code == 2


def test_a_check_tells_that_a_partner_answers_and_no_count(sandbox: Sandbox) -> None:
    result = run(sandbox.ground, "check", "tencent", "--json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert (row["code"], row["kind"], row["answer"]) == ("tencent", "count", "counts")


def test_a_carrier_is_checked_for_identity(sandbox: Sandbox) -> None:
    (row,) = json.loads(run(sandbox.ground, "check", "china-mobile", "--json").stdout)
    assert (row["kind"], row["answer"]) == ("identity", "verdict")


def test_a_partner_that_is_switched_off_can_be_checked(sandbox: Sandbox) -> None:
    run(sandbox.ground, "disable", "tencent", "--yes")
    assert run(sandbox.ground, "check", "tencent").exit_code == 0


@pytest.mark.parametrize(
    ("mode", "code", "part"), [("retry", 0, "retry"), ("500", 1, "500"), ("garbage", 1, "not JSON"), ("429", 1, "429")]
)
def test_a_check_tells_what_is_wrong(sandbox: Sandbox, mode: str, code: int, part: str) -> None:
    sandbox.behaviour.set("tencent", mode)
    result = run(sandbox.ground, "check", "tencent")
    assert result.exit_code == code
    assert part in result.output
    assert len(result.stderr.splitlines()) == code


def test_the_list_tells_how_each_partner_stands(ground: Ground) -> None:
    tencent = ground.catalogues.current().partner("tencent")
    assert tencent
    for _ in range(tencent.breaker_failures):
        record_result(ground, tencent, "no_answer")
    run(ground, "disable", "jd", "--yes")
    listed = {row["code"]: row for row in json.loads(run(ground, "list", "--json").stdout)}
    assert listed["tencent"]["state"] == "breaker open (no_answer)"
    assert (listed["tencent"]["breaker"], listed["tencent"]["errors"]) == ("open", 5)
    assert listed["tencent"]["retry_at"] == "2026-11-22T06:05:30Z"
    assert (listed["jd"]["state"], listed["alibaba"]["state"]) == ("off", "ok")
