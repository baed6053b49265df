import base64
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from config.errors import SettingInvalid
from config.master_key import parse_master_key
from config.settings import SETTINGS, load_settings

KEY = base64.b64encode(bytes(range(32))).decode()
ROOT = Path(__file__).parents[2]


def refused(environ: dict[str, str], tmp_path: Path) -> str:
    with pytest.raises(SettingInvalid) as caught:
        load_settings({"ONECERT_DATA": str(tmp_path), **environ})
    return caught.value.detail


def test_nothing_set_means_the_embedded_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.data == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/onecert.sqlite3"
    assert settings.redis_url == f"unix://{tmp_path}/var/redis.sock"
    assert settings.redis_socket == tmp_path / "var" / "redis.sock"
    assert (settings.bind, settings.public_url) == ("127.0.0.1:8000", "http://127.0.0.1:8000")


def test_the_embedded_master_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first, second = (load_settings({"ONECERT_DATA": str(tmp_path)}) for _ in range(2))
    assert first.master_key == second.master_key
    assert len(first.master_key) == 32
    path = tmp_path / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


def test_a_damaged_embedded_master_key_stops_the_process(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("short")
    assert "32 random bytes" in refused({}, tmp_path)


def test_a_database_url_needs_a_master_key(tmp_path: Path) -> None:
    detail = refused({"ONECERT_DATABASE_URL": "mysql+pymysql://u:geheim@db/onecert"}, tmp_path)
    assert "ONECERT_MASTER_KEY" in detail
    assert "geheim" not in detail
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize(
    "weak",
    [
        "changeme",
        "correct horse battery staple",
        "0" * 64,
        base64.b64encode(b"\0" * 32).decode(),
        base64.b64encode(b"secretsecretsecretsecretsecretse").decode(),
        base64.b64encode(bytes(range(31))).decode(),
        base64.b64encode(bytes(range(33))).decode(),
        "00112233445566778899aabbccddeeff",
    ],
)
def test_a_weak_master_key_is_refused(tmp_path: Path, weak: Any) -> None:
    assert "openssl rand" in refused({"ONECERT_MASTER_KEY": weak}, tmp_path)


def test_a_master_key_may_be_base64_or_hex() -> None:
    assert parse_master_key(KEY) == parse_master_key(bytes(range(32)).hex()) == bytes(range(32))


def test_a_secret_may_be_given_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    settings = load_settings({"ONECERT_DATA": str(tmp_path), "ONECERT_MASTER_KEY_FILE": str(path)})
    assert settings.master_key == bytes(range(32))


def test_a_secret_file_that_cannot_be_read_stops_the_process(tmp_path: Path) -> None:
    assert "ONECERT_MASTER_KEY_FILE" in refused({"ONECERT_MASTER_KEY_FILE": str(tmp_path / "none")}, tmp_path)
    (tmp_path / "empty").touch()
    assert "empty" in refused({"ONECERT_MASTER_KEY_FILE": str(tmp_path / "empty")}, tmp_path)
    both = {"ONECERT_MASTER_KEY": KEY, "ONECERT_MASTER_KEY_FILE": str(tmp_path / "empty")}
    assert "both" in refused(both, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ONECERT_DATABASE_URL", "postgresql://db/onecert"),
        ("ONECERT_REDIS_URL", "memcached://cache"),
        ("ONECERT_BIND", "8000"),
        ("ONECERT_BIND", "127.0.0.1:99999"),
        ("ONECERT_METRICS_BIND", "127.0.0.1:http"),
        ("ONECERT_BIND", "onecert.example:8000"),
        ("ONECERT_BIND", "*:8000"),
        ("ONECERT_BIND", "::1:8000"),
        ("ONECERT_BIND", "[127.0.0.1]:8000"),
        ("ONECERT_SANDBOX_BIND", "127.0.0:8001"),
        ("ONECERT_PUBLIC_URL", "example.org"),
        ("ONECERT_PUBLIC_URL", "https://example.org/?a=b"),
        ("ONECERT_CRYPTO", "rot13"),
        ("ONECERT_LOG_LEVEL", "loud"),
        ("ONECERT_TRUSTED_PROXIES", "-1"),
        ("ONECERT_TRUSTED_PROXIES", "１"),
        ("ONECERT_CA_FILE", "/nonexistent/ca.pem"),
    ],
)
def test_a_malformed_setting_is_named(tmp_path: Path, name: str, value: Any) -> None:
    assert name in refused({name: value, "ONECERT_MASTER_KEY": KEY}, tmp_path)


@pytest.mark.parametrize(
    ("given", "bind"),
    [("localhost:8000", "127.0.0.1:8000"), ("[::1]:8000", "[::1]:8000"), ("0.0.0.0:80", "0.0.0.0:80")],
)
def test_an_address_to_listen_at_is_one_that_the_server_takes(tmp_path: Path, given: Any, bind: str) -> None:
    """door fault F18: localhost passed the check and ended in the server's traceback."""
    assert load_settings({"ONECERT_DATA": str(tmp_path), "ONECERT_BIND": given}).bind == bind


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingInvalid, match="ONECERT_DATA"):
        load_settings({"ONECERT_DATA": str(tmp_path / "file" / "var")})


def test_without_anything_embedded_no_directory_is_made(tmp_path: Path) -> None:
    outside = {"ONECERT_DATABASE_URL": "mysql+pymysql://u:p@db/onecert", "ONECERT_REDIS_URL": "redis://cache"}
    load_settings({"ONECERT_DATA": str(tmp_path / "var"), "ONECERT_MASTER_KEY": KEY, **outside})
    assert not (tmp_path / "var").exists()


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    assert "too long" in refused({"ONECERT_DATA": str(tmp_path / ("d" * 120))}, tmp_path)


def test_the_public_url_never_names_a_wildcard_address(tmp_path: Path) -> None:
    settings = load_settings({"ONECERT_DATA": str(tmp_path), "ONECERT_BIND": "0.0.0.0:9000"})
    assert settings.public_url == "http://127.0.0.1:9000"


def test_printing_the_settings_shows_no_secret(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "ONECERT_DATA": str(tmp_path),
            "ONECERT_DATABASE_URL": "mysql+pymysql://u:geheim@db/onecert",
            "ONECERT_REDIS_URL": "redis://:geheim@cache/0",
            "ONECERT_MASTER_KEY": KEY,
        }
    )
    assert "geheim" not in repr(settings)
    assert repr(settings.master_key) not in repr(settings)


def test_every_setting_is_in_the_example_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert dict(re.findall(r"^#(ONECERT_\w+)=(.*)$", example, re.MULTILINE)) == {
        setting.name: setting.default for setting in SETTINGS
    }
