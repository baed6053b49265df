"""The parts joined: headers on every answer, 503 when the ground gives way, and a README that says what there is."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, update

from app import COMMANDS, cli
from assembly import create_app
from config.catalogue.store import CatalogueStore, catalogue_version
from config.db.engine import begin
from config.ground import Ground, make_ground
from config.net.response_headers import HEADERS
from config.queue.bell import make_redis
from config.settings import SETTINGS, Settings
from query.inquiry import MOVES, State
from tests.miniprogram_api.citizens import set_limit
from tests.support.servers import free_port

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def client(ground: Ground) -> FlaskClient:
    return create_app(ground).test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/help", 200),
        ("GET", "/nothing/here", 404),
        ("GET", "/guides/nobody", 404),
        ("GET", "/inquiries/100000000000", 404),
        ("POST", "/internet-accounts", 401),
        ("DELETE", "/internet-accounts", 405),
        ("GET", "/api/v1/services", 200),
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/inquiries", 405),
        ("POST", "/api/v1/inquiries", 401),
        ("GET", "/wechat/nobody", 404),
        ("POST", "/sms/main/receipts", 401),
        ("GET", "/health/ready", 200),
    ],
)
def test_every_answer_carries_the_headers(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert set(HEADERS) <= set(answer.headers.keys())
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_fault_of_ours_tells_nothing(ground: Ground) -> None:
    app = create_app(ground)
    app.add_url_rule("/api/v1/broken", view_func=lambda: str(1 // 0))
    answer = app.test_client().get("/api/v1/broken")
    assert (answer.status_code, answer.json["code"]) == (500, "internal")  # type: ignore[index]
    assert "ZeroDivision" not in answer.text
    assert set(HEADERS) <= set(answer.headers.keys())


@pytest.fixture
def without_database(ground: Ground) -> Iterator[Flask]:
    """An application whose database has gone away after it had read its keys and its catalogue."""
    ground.catalogues.current()
    ground.keys.mac("health", b"")
    gone: Engine = create_engine(f"mysql+pymysql://onecert:onecert@127.0.0.1:{free_port()}/onecert")
    yield create_app(replace(ground, engine=gone))
    gone.dispose()


def test_without_a_database_the_api_says_503_and_when_to_try_again(without_database: Flask) -> None:
    client = without_database.test_client()
    token = client.post("/api/v1/sessions", json={"entrance": "web"}).json["token"]  # type: ignore[index]
    form = {"service": "internet-accounts", "phone": "13800138000"}
    answer = client.post("/api/v1/verification-codes", json=form, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")  # type: ignore[index]
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/services", "/internet-accounts", "/health/ready"])
def test_without_a_catalogue_that_holds_it_is_ours_to_mend(ground: Ground, path: str) -> None:
    with begin(ground.engine) as db:
        db.execute(update(catalogue_version).values(mac=bytes(32)))
    started_later = CatalogueStore(ground.engine, ground.keys, ground.clock)
    answer = create_app(replace(ground, catalogues=started_later)).test_client().get(path)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_without_a_database_the_page_says_try_again(without_database: Flask) -> None:
    client = without_database.test_client()
    page = client.get("/internet-accounts").text
    token = re.findall(r'name="session" value="([^"]+)"', page)[0]
    form = {"session": token, "phone": "13800138000", "action": "code"}
    answer = client.post("/internet-accounts", data=form, follow_redirects=True)
    assert "服务暂时无法使用" in answer.text
    assert 'value="13800138000"' in answer.text, "the form is kept"


def test_without_redis_nothing_is_sent(settings: Settings, ground: Ground) -> None:
    away = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    lame = replace(make_ground(away, clock=ground.clock), engine=ground.engine, redis=make_redis(away.redis_url))
    client = create_app(lame).test_client()
    answer = client.post("/api/v1/sessions", json={"entrance": "web"})
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")  # type: ignore[index]
    assert client.get("/health/ready").status_code == 503


@pytest.mark.parametrize(
    ("proxies", "forwarded", "statuses"),
    [
        (0, ["198.51.100.1", "198.51.100.2"], [201, 429]),  # nobody stands in front: the header is the client's own
        (1, ["198.51.100.1, 203.0.113.7", "198.51.100.2, 203.0.113.7"], [201, 429]),  # the proxy's entry is the last
        (1, ["203.0.113.7", "203.0.113.8"], [201, 201]),
        (2, ["198.51.100.1, 203.0.113.7, 10.0.0.1", "198.51.100.2, 203.0.113.7, 10.0.0.1"], [201, 429]),
    ],
)
def test_a_client_cannot_choose_the_address_that_it_is_counted_by(
    ground: Ground, proxies: int, forwarded: list[str], statuses: list[int]
) -> None:
    set_limit(ground, "sessions_per_address_hour", 1)
    client = create_app(replace(ground, settings=replace(ground.settings, trusted_proxies=proxies))).test_client()
    answers = [
        client.post("/api/v1/sessions", json={"entrance": "web"}, headers={"X-Forwarded-For": each})
        for each in forwarded
    ]
    assert [answer.status_code for answer in answers] == statuses


def test_the_readmes_diagram_has_the_states_and_their_order() -> None:
    drawn = [word for word in re.findall(r"\b[A-Z]{6,}\b", README.split("```")[5]) if word in State.__members__]
    assert drawn == [state.name for state in State]
    assert {(old.name, new.name) for old, new in MOVES} == {
        ("CHECKING", "ASKING"),
        ("CHECKING", "REPLYING"),
        ("ASKING", "REPLYING"),
        ("REPLYING", "CLOSED"),
    }


def loaded(group: click.Group) -> dict[str, click.Command]:
    """All commands of a group, also those that are loaded when they are called."""
    ctx = click.Context(group)
    found = {name: group.get_command(ctx, name) for name in group.list_commands(ctx)}
    return {name: command for name, command in found.items() if command is not None}


def commands(group: click.Group, above: str = "") -> Iterator[str]:
    for name, command in loaded(group).items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}"


@pytest.mark.parametrize(("readme", "heading"), [("README.md", "## Commands"), ("README.zh-CN.md", "## 命令")])
def test_the_readmes_name_every_command_and_every_setting(readme: str, heading: str) -> None:
    text = (ROOT / readme).read_text()
    for command in commands(cli):
        told = text.split(heading)[1]
        assert all(re.search(rf"\b{word}\b", told, re.ASCII) for word in command.split()), command
    example = (ROOT / ".env.example").read_text()
    for setting in SETTINGS:
        assert setting.name in text, setting.name
        assert setting.name in example, setting.name


def test_both_readmes_lead_to_the_same_places() -> None:
    links = [
        set(re.findall(r"\]\(((?!README)[^)]+)\)", (ROOT / readme).read_text()))
        for readme in ("README.md", "README.zh-CN.md")
    ]
    assert links[0] == links[1]
    assert all(where.startswith("http") or (ROOT / where).exists() for where in links[0])


@pytest.mark.parametrize("processes", ["0", "-1"])
def test_no_processes_to_serve_with_is_wrong_usage(processes: str) -> None:
    assert CliRunner().invoke(cli, ["web", "--processes", processes]).exit_code == 2


def test_every_command_explains_itself() -> None:
    def look(group: click.Group) -> None:
        for command in loaded(group).values():
            assert command.help, command.name
            for parameter in command.params:
                if isinstance(parameter, click.Option):
                    assert parameter.help, f"{command.name} {parameter.name}"
            if isinstance(command, click.Group):
                look(command)

    look(cli)


def test_the_list_of_commands_is_what_the_modules_have() -> None:
    for module in {module for module, _ in COMMANDS.values()}:
        known = {command.name for command in importlib.import_module(module).COMMANDS}
        assert known == {name for name, (where, _) in COMMANDS.items() if where == module}
    assert all(told.endswith(".") and len(told) <= 75 for _, told in COMMANDS.values())


def modules_after(words: list[str]) -> set[str]:
    """The modules that a new process has loaded when it has run a command."""
    look = f"import sys; from app import cli; cli.main({words!r}, standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_what_needs_nothing_loads_nothing(words: list[str]) -> None:
    """1.6 to 2 s before, since everything was loaded for it."""
    look = "import sys; from app import cli; cli.main({!r}, standalone_mode=False); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look.format(words)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded_modules = set(done.stdout.splitlines()[-1].split())
    assert not loaded_modules & {"flask", "sqlalchemy", "redis", "requests", "pydantic", "cryptography", "assembly"}


def test_doctor_compares_every_table() -> None:
    """With commands loaded one by one it knew seven tables of thirty, and called any database up to date."""
    load = "from app import cli; cli.get_command(None, 'doctor'); from config.db.engine import metadata"
    count = [sys.executable, "-c", f"{load}; print(len(metadata.tables))"]
    whole = [
        sys.executable,
        "-c",
        "import assembly; from config.db.engine import metadata; print(len(metadata.tables))",
    ]
    seen, there = (
        subprocess.run(one, cwd=ROOT, capture_output=True, text=True, check=True).stdout for one in (count, whole)
    )
    assert seen == there


def test_a_command_loads_no_web_application() -> None:
    look = (
        "import sys; from app import cli; cli.main(['inquiry', '--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.splitlines()[-1].split()) & {"assembly", "granian", "miniprogram_api.views"}


def test_pages_and_documents_are_compressed_and_icons_are_there(client: FlaskClient) -> None:
    """pages fault A17: the form was 12.4 KB, openapi.json 68.7 KB; favicon.ico and robots.txt were 404."""
    for path, most in (("/", 6000), ("/internet-accounts", 8000), ("/api/v1/openapi.json", 16_000)):
        answer = client.get(path, headers={"Accept-Encoding": "gzip, br"})
        assert answer.headers["Content-Encoding"] == "br"
        assert len(answer.data) < most
    for path in ("/favicon.ico", "/apple-touch-icon.png", "/robots.txt"):
        assert client.get(path).status_code == 200


def test_browsers_are_told_to_come_back_by_https_where_the_service_has_it(settings: Settings, ground: Ground) -> None:
    assert "Strict-Transport-Security" not in create_app(ground).test_client().get("/").headers
    public = replace(ground, settings=replace(settings, public_url="https://onecert.example"))
    assert "max-age=" in create_app(public).test_client().get("/").headers["Strict-Transport-Security"]
