"""`onecert account`, as an operator types it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from config.catalogue.document import default_document
from config.db.engine import begin
from config.ground import Ground
from tests.conftest import on_sqlite
from tests.support.servers import serve
from wechat.cli import account
from wechat.webhook.account_keys import read_account
from wechat.webhook.views import install

pytestmark = on_sqlite


@pytest.fixture
def instance(ground: Ground) -> Iterator[str]:
    """A running instance's address."""
    app = Flask(__name__)
    install(app, ground)
    with serve(app) as url:
        yield url


def run(ground: Ground, *words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(account, words, obj=ground, input=stdin)


def test_the_list_names_accounts_and_no_secret(ground: Ground) -> None:
    listed = json.loads(run(ground, "list", "--json").stdout)
    assert [set(row) for row in listed] == [{"code", "name", "app_id", "mode"}] * 3
    assert listed[0]["code"] == "gxwbwx" and listed[0]["mode"] == "safe"
    assert "工信微报" in run(ground, "list").stdout


def test_a_menu_is_shown_as_a_tree(ground: Ground) -> None:
    assert run(ground, "menu", "show", "gxwbwx").stdout == "政务服务\n└── 一证通查  (click ONECERT)\n"
    assert json.loads(run(ground, "menu", "show", "gxwbwx", "--json").stdout)[0]["name"] == "政务服务"


def test_a_menu_the_platform_would_refuse_is_shown_and_is_a_failure(ground: Ground) -> None:
    document = default_document().replace('menu = [{ name = "政务服务"', 'menu = [{ name = "政务服务与其他"')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "too long", "test", ground.clock.now())
    shown = run(ground, "menu", "show", "gxwbwx")
    assert shown.exit_code == 1
    assert shown.stdout.startswith("政务服务与其他\n") and "21 bytes" in shown.stderr


@pytest.mark.parametrize("code", ["gxwbwx", "gxb-antifraud", "caict"])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_tap_prints_the_answer_a_citizen_would_see(ground: Ground, instance: str, code: str, form: str) -> None:
    result = run(ground, "push", code, "click", "ONECERT", "--url", instance, "--format", form)
    assert result.exit_code == 0, result.output
    assert "您想查哪一项？" in result.stdout and "/phone-cards?ticket=" in result.stdout


def test_words_and_followers_are_played_too(ground: Ground, instance: str) -> None:
    assert "What would you" in run(ground, "push", "caict", "text", "help", "--url", instance).stdout
    assert "您好" in run(ground, "push", "gxb-antifraud", "subscribe", "--url", instance).stdout
    silence = run(ground, "push", "caict", "event", "unsubscribe", "--url", instance)
    assert silence.exit_code == 0 and "nothing to say" in silence.stderr


def test_a_storm_of_tries_gets_one_answer(ground: Ground, instance: str) -> None:
    result = run(ground, "push", "gxwbwx", "click", "ONECERT", "--url", instance, "--tries", "8")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("您想查哪一项？") == 1


@pytest.mark.parametrize("kind", ["click", "text", "event"])
def test_a_push_without_its_word_is_wrong_usage(ground: Ground, kind: str) -> None:
    for words in ([], [""]):
        result = run(ground, "push", "caict", kind, *words)
        assert (result.exit_code, f"{kind} needs the " in result.stderr) == (2, True)


@pytest.mark.parametrize("url", ["localhost:8000", "nonsense", "http://", "ftp://127.0.0.1", "http://[::1"])
def test_an_address_of_no_instance_is_a_failure_in_one_line(ground: Ground, url: str) -> None:
    result = run(ground, "push", "caict", "click", "ONECERT", "--url", url)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.exception


def test_what_wechat_would_show_as_a_fault_is_a_failure_in_one_line(ground: Ground, instance: str) -> None:
    refused = run(ground, "push", "gxwbwx", "click", "ONECERT", "--mode", "plain", "--url", instance)
    assert refused.exit_code == 1 and "403" in refused.stderr and refused.stderr.count("Error: ") == 1
    nobody = run(ground, "push", "gxwbwx", "click", "ONECERT", "--url", "http://127.0.0.1:1")
    assert nobody.exit_code == 1 and nobody.stderr.count("Error: ") == 1
    assert run(ground, "push", "nobody", "click", "ONECERT").exit_code == 1
    assert run(ground, "push", "gxwbwx", "dance").exit_code == 2


@pytest.mark.parametrize(("code", "mode"), [("gxwbwx", "safe"), ("gxwbwx", "compatible"), ("caict", "plain")])
def test_an_instance_with_other_secrets_is_pushed_to_with_those(
    ground: Ground, instance: str, code: str, mode: str
) -> None:
    document = default_document().replace('mode = "safe"', 'mode = "compatible"')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "compatible", "test", ground.clock.now())
    keys = read_account(ground, code).keys
    names = [f"{code}.token"] + ([f"{code}.aes_key"] if mode != "plain" else [])
    theirs = "\n".join([keys.app_id, *(ground.secrets.get(name) for name in names)])
    words = ("push", code, "click", "ONECERT", "--url", instance, "--secrets", "--mode", mode)
    told = run(ground, *words, stdin=theirs)
    assert told.exit_code == 0, told.output
    assert "您想查哪一项？" in told.stdout
    assert "403" in run(ground, *words, stdin=theirs.replace(ground.secrets.get(names[0]), "other")).stderr


@pytest.mark.parametrize("given", ["", "wxapp", "wxapp\ngeheim\nshort", "a\nb\nc\nd", "wxapp\ngeheim"])
def test_secrets_of_another_shape_are_refused_and_not_repeated(ground: Ground, given: str) -> None:
    words = ("push", "gxwbwx", "click", "ONECERT", "--url", "http://127.0.0.1:1", "--secrets", "--mode", "safe")
    told = run(ground, *words, stdin=given)
    assert (told.exit_code, told.stderr.count("Error: ")) == (1, 1)
    assert "geheim" not in told.output
