"""The accounts of docs/install.md suffice for everything the processes do, and for no more (ASVS 13.2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from config.db.engine import make_engine
from query.schema import upgrade
from tests.conftest import need
from tests.support.instances import Citizen, Instance, private_instance
from tests.support.servers import mariadb_server, redis_server

INSTALL = (Path(__file__).parents[2] / "docs" / "install.md").read_text()
MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
PASSWORD = "PASSWORD"


def told(pattern: str) -> str:
    (found,) = re.findall(pattern, INSTALL, re.M)
    return str(found)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, str, str]]:
    """An instance whose processes have these accounts only, and the two addresses."""
    need("mariadbd")
    need("redis-server")
    place = tmp_path_factory.mktemp("limited")
    with mariadb_server(place) as database, redis_server(place) as redis_url:
        engine = make_engine(f"{database}&ssl_disabled=true")
        upgrade(engine)
        engine.dispose()
        with pymysql.connect(unix_socket=str(place / "mysql.sock"), user="root") as root, root.cursor() as cursor:
            cursor.execute(f"CREATE USER 'onecert_run'@'%' IDENTIFIED BY '{PASSWORD}'")
            cursor.execute(told(r"^(GRANT .* TO 'onecert_run'@'%');$"))
        with redis.Redis.from_url(redis_url) as admin:
            admin.execute_command(*told(r"^redis-cli (ACL SETUSER .*)$").replace("'", "").split())
        run = make_url(database).set(username="onecert_run", password=PASSWORD)
        accounts = {
            "ONECERT_DATABASE_URL": run.render_as_string(hide_password=False),
            "ONECERT_REDIS_URL": redis_url.replace("://", f"://onecert:{PASSWORD}@"),
        }
        data = place / "data"
        data.mkdir()
        with private_instance(data, ONECERT_MASTER_KEY=MASTER_KEY, **accounts) as instance:
            yield instance, accounts["ONECERT_DATABASE_URL"], accounts["ONECERT_REDIS_URL"]


def test_an_inquiry_is_answered_with_the_least_privileges(limited: tuple[Instance, str, str]) -> None:
    instance, _, _ = limited
    citizen = Citizen(instance, "13800138000")
    assert citizen.submit(citizen.receive_code()).status_code == 202
    assert "微信" in instance.wait_for_messages("13800138000", 2)[-1]["text"]
    instance.onecert("session", "end", "--entrance", "web", "--yes")
    instance.onecert("person", "erase", "--yes", stdin="13800138000\n")
    log = instance.log.read_text()
    assert "sweep_failed" not in log
    assert "NOPERM" not in log and "NoPermission" not in log


@pytest.mark.parametrize("statement", ["CREATE TABLE x (y INT)", "DROP TABLE audit", "ALTER TABLE audit ADD x INT"])
def test_the_processes_cannot_change_the_schema(limited: tuple[Instance, str, str], statement: str) -> None:
    engine = create_engine(limited[1])
    with pytest.raises(OperationalError, match="denied"), engine.connect() as db:
        db.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize("command", ["FLUSHALL", "CONFIG GET *", "KEYS *", "SHUTDOWN", "ACL LIST"])
def test_the_processes_cannot_administer_redis(limited: tuple[Instance, str, str], command: str) -> None:
    with redis.Redis.from_url(limited[2]) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())
