"""Doctor is not silent about what others could read (security fault S22)."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from config.commands import exposure
from config.commands.exposure import (
    check_database_way,
    check_proxies,
    check_redis_way,
    find_redis_faults,
)
from config.ground import Ground
from tests.conftest import on_sqlite


@pytest.mark.parametrize(
    ("url", "faults"),
    [
        ("unix:///run/redis.sock", []),
        ("redis://127.0.0.1:6379/0", []),
        ("redis://[::1]:6379", []),
        ("redis://cache.example:6379", ["no TLS", "no password"]),
        ("redis://:secret@10.0.0.7", ["no TLS"]),
        ("rediss://10.0.0.7", ["no password"]),
        ("rediss://user:secret@10.0.0.7", []),
        ("redis+sentinel://10.0.0.7,10.0.0.8:26379/main", ["no TLS", "no password"]),
        ("rediss+sentinel://:secret@10.0.0.7,127.0.0.1/main", []),
        ("redis+sentinel://127.0.0.1/main", []),
    ],
)
def test_a_redis_across_a_network_needs_tls_and_a_password(url: str, faults: list[str]) -> None:
    assert find_redis_faults(url) == faults


@on_sqlite
def test_a_warning_names_the_setting_and_no_password(ground: Ground) -> None:
    far = replace(ground, settings=replace(ground.settings, redis_url="redis://:hunter2@cache.example"))
    found = check_redis_way(far)
    assert (found.state, "ONECERT_REDIS_URL" in found.what, "hunter2" in found.what) == ("warn", True, False)
    assert check_redis_way(ground).state == "ok"


@on_sqlite
def test_https_in_front_without_a_trusted_proxy_is_told(ground: Ground) -> None:
    public = replace(ground, settings=replace(ground.settings, public_url="https://onecert.example"))
    assert check_proxies(public).state == "warn"
    assert check_proxies(ground).state == "ok"


class Served:
    """A MySQL server that answers these rows."""

    def __init__(self, url: str, *rows: tuple[str, str]) -> None:
        self.engine = SimpleNamespace(url=make_url(url), dialect=SimpleNamespace(name="mysql"))
        self.rows = rows

    def __enter__(self) -> Any:
        return SimpleNamespace(execute=lambda statement: Rows(self.rows))

    def __exit__(self, *_: object) -> None:
        pass


class Rows(list[tuple[str, str]]):
    def first(self) -> tuple[str, str] | None:
        return self[0] if self else None


def served(monkeypatch: pytest.MonkeyPatch, url: str, *rows: tuple[str, str]) -> Any:
    server = Served(url, *rows)
    monkeypatch.setattr(exposure, "reading", lambda engine: server)
    return server


FAR = "mysql+pymysql://u:p@db.example/onecert"


@pytest.mark.parametrize(
    ("url", "cipher", "state"),
    [
        (FAR, "", "warn"),
        (FAR, "TLS_AES_256_GCM_SHA384", "warn"),
        (f"{FAR}?ssl_ca=/etc/ca.pem", "TLS_AES_256_GCM_SHA384", "ok"),
        ("mysql+pymysql://u:p@127.0.0.1/onecert", "", "ok"),
        ("mysql+pymysql://u:p@/onecert?unix_socket=/run/mysqld.sock", "", "ok"),
    ],
)
def test_a_database_across_a_network_needs_tls_and_a_certificate(
    monkeypatch: pytest.MonkeyPatch, url: str, cipher: str, state: str
) -> None:
    assert check_database_way(served(monkeypatch, url, ("Ssl_cipher", cipher))).state == state


def test_the_real_server_is_asked(ground: Ground) -> None:
    assert check_database_way(ground).state == "ok"
