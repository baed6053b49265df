"""The only reader of the environment: every variable, its default, and what is refused.

A setting that is missing or malformed stops the process at once. Nothing asks which environment
it is in: nothing set means the embedded default (SQLite and a private Redis below `ONECERT_DATA`).
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from config.errors import SettingInvalid
from config.master_key import previous_master_key, read_master_key
from config.queue.sentinel import FORM, is_sentinel, parse_sentinel_url

DATABASE_FILE = "onecert.sqlite3"
UNIX_SOCKET_MAX = 107  # sun_path in Linux, less its closing zero


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment. `secret` ones may be given as a file, in `NAME_FILE`."""

    name: str
    meaning: str
    default: str = ""
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("ONECERT_DATA", "directory of the embedded database, keys and sockets", "./var"),
    Setting(
        "ONECERT_DATABASE_URL", "mysql+pymysql://user:password@host/name; empty: SQLite in ONECERT_DATA", secret=True
    ),
    Setting(
        "ONECERT_REDIS_URL",
        "redis://, rediss://, unix:// or redis+sentinel://; empty: a private Redis in ONECERT_DATA",
        secret=True,
    ),
    Setting(
        "ONECERT_MASTER_KEY",
        "32 random bytes as base64 or hex; required with a database URL, else made in ONECERT_DATA",
        secret=True,
    ),
    Setting(
        "ONECERT_PREVIOUS_MASTER_KEY",
        "the master key until now, while `onecert key rewrap` exchanges it; else empty",
        secret=True,
    ),
    Setting("ONECERT_CRYPTO", "aes (AES-256-GCM, HMAC-SHA256) or sm (SM4-GCM, HMAC-SM3) for new data keys", "aes"),
    Setting("ONECERT_BIND", "host:port of the web process", "127.0.0.1:8000"),
    Setting("ONECERT_PUBLIC_URL", "how citizens and partners reach the web process; empty: http:// and the bind"),
    Setting("ONECERT_SANDBOX_BIND", "host:port of the sandbox", "127.0.0.1:8001"),
    Setting("ONECERT_SANDBOX_CMPP_BIND", "host:port of the sandbox's CMPP gateway; empty: the sandbox's, 111 lower"),
    Setting("ONECERT_METRICS_BIND", "host:port of /metrics; internal", "127.0.0.1:8002"),
    Setting("ONECERT_TRUSTED_PROXIES", "how many proxies in front add the client's address", "0"),
    Setting(
        "ONECERT_FORWARDED_HEADER",
        "the header in which they do: X-Forwarded-For or Forwarded; empty: the first of them that is there",
    ),
    Setting("ONECERT_CA_FILE", "PEM file of the authorities trusted for outgoing HTTPS; empty: the public ones"),
    Setting("ONECERT_BACKUPS", "directory of the backups; `onecert doctor` tells how old the newest is"),
    Setting("ONECERT_LOG_LEVEL", "debug, info, warning or error", "info"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this deployment. `redis_socket` is set only with the embedded Redis."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    master_key: bytes = field(repr=False)
    previous_master_key: bytes = field(repr=False)
    public_url: str
    data: Path
    bind: str
    sandbox_bind: str
    sandbox_cmpp_bind: str
    metrics_bind: str
    log_level: str
    trusted_proxies: int
    forwarded_header: str
    crypto: str
    ca_file: Path | None
    redis_socket: Path | None
    backups: Path | None = None


def load_settings(environ: Mapping[str, str], *, founding: bool = True) -> Settings:
    """Read and check every setting; embedded, it makes the data directory and the master key in it.

    Not `founding`: it makes nothing where there is no embedded database yet, and refuses the place.
    Raises SettingInvalid with the variable's name and what to do about it, never with its value.
    """
    values = {setting.name: _read(environ, setting) for setting in SETTINGS}
    folder = Path(values["ONECERT_DATA"]).expanduser().resolve()
    if folder == Path("/var"):
        raise SettingInvalid("ONECERT_DATA: would be /var, which others share; name a directory of its own")
    if not (founding or values["ONECERT_DATABASE_URL"] or (folder / DATABASE_FILE).exists()):
        raise SettingInvalid(
            f"ONECERT_DATA: there is no database in {folder}; name the right directory, or `onecert up` makes one"
        )
    if not (values["ONECERT_DATABASE_URL"] and values["ONECERT_REDIS_URL"]):
        _make_directory(folder)
    bind = _bind("ONECERT_BIND", values["ONECERT_BIND"])
    redis_socket = None if values["ONECERT_REDIS_URL"] else _redis_socket(folder)
    return Settings(
        database_url=_database_url(values["ONECERT_DATABASE_URL"], folder),
        redis_url=_redis_url(values["ONECERT_REDIS_URL"]) if redis_socket is None else f"unix://{redis_socket}",
        master_key=read_master_key(values, folder),
        previous_master_key=previous_master_key(values),
        public_url=_public_url(values["ONECERT_PUBLIC_URL"], bind),
        data=folder,
        bind=bind,
        sandbox_bind=_bind("ONECERT_SANDBOX_BIND", values["ONECERT_SANDBOX_BIND"]),
        sandbox_cmpp_bind=_cmpp_bind(values),
        metrics_bind=_bind("ONECERT_METRICS_BIND", values["ONECERT_METRICS_BIND"]),
        log_level=_one_of("ONECERT_LOG_LEVEL", values["ONECERT_LOG_LEVEL"], "debug", "info", "warning", "error"),
        trusted_proxies=_number("ONECERT_TRUSTED_PROXIES", values["ONECERT_TRUSTED_PROXIES"], 0, 5),
        forwarded_header=_one_of(
            "ONECERT_FORWARDED_HEADER", values["ONECERT_FORWARDED_HEADER"], "", "x-forwarded-for", "forwarded"
        ),
        crypto=_one_of("ONECERT_CRYPTO", values["ONECERT_CRYPTO"], "aes", "sm"),
        ca_file=_file("ONECERT_CA_FILE", values["ONECERT_CA_FILE"]),
        redis_socket=redis_socket,
        backups=_directory("ONECERT_BACKUPS", values["ONECERT_BACKUPS"]),
    )


def _read(environ: Mapping[str, str], setting: Setting) -> str:
    value, file_name = environ.get(setting.name, ""), f"{setting.name}_FILE"
    path = environ.get(file_name, "") if setting.secret else ""
    if not path:
        return value.strip() or setting.default
    if value:
        raise SettingInvalid(f"{setting.name} and {file_name} are both set; keep one")
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{file_name}: the file cannot be read ({type(error).__name__})") from None
    if not content:
        raise SettingInvalid(f"{file_name}: the file is empty")
    return content


def _make_directory(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingInvalid(f"ONECERT_DATA: {folder} cannot be made ({error.strerror})") from None


def _database_url(value: str, folder: Path) -> str:
    if not value:
        return f"sqlite:///{folder / DATABASE_FILE}"
    if not value.startswith(("mysql+pymysql://", "sqlite:///")):
        raise SettingInvalid("ONECERT_DATABASE_URL: only mysql+pymysql:// and sqlite:/// are spoken")
    return value


def _redis_url(value: str) -> str:
    if is_sentinel(value):
        try:
            parse_sentinel_url(value)
        except ValueError:
            raise SettingInvalid(f"ONECERT_REDIS_URL: must be {FORM}") from None
    elif not value.startswith(("redis://", "rediss://", "unix://")):
        raise SettingInvalid("ONECERT_REDIS_URL: only redis://, rediss://, unix:// and redis+sentinel:// are spoken")
    return value


def _redis_socket(folder: Path) -> Path:
    path = folder / "redis.sock"
    if len(os.fsencode(path)) > UNIX_SOCKET_MAX:
        raise SettingInvalid("ONECERT_DATA: the path is too long for a socket in it; choose a shorter one")
    return path


def _bind(name: str, value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise SettingInvalid(f"{name}: must be host:port, such as 127.0.0.1:8000")
    if host == "localhost":
        return f"127.0.0.1:{port}"
    try:
        version = ipaddress.ip_address(host.strip("[]")).version
        if (version == 6) != host.startswith("["):
            raise ValueError
    except ValueError:
        raise SettingInvalid(f"{name}: must be an IP address and port, such as 127.0.0.1:8000 or [::]:8000") from None
    return value


def _cmpp_bind(values: Mapping[str, str]) -> str:
    """As set, else 111 below the sandbox's port, which makes CMPP's own 7890 of 8001."""
    name = "ONECERT_SANDBOX_CMPP_BIND"
    if values[name]:
        return _bind(name, values[name])
    host, _, port = _bind("ONECERT_SANDBOX_BIND", values["ONECERT_SANDBOX_BIND"]).rpartition(":")
    return f"{host}:{int(port) - 111 if int(port) > 111 else int(port) + 111}"


def _public_url(value: str, bind: str) -> str:
    url = value.rstrip("/") or f"http://{_reachable(bind)}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SettingInvalid("ONECERT_PUBLIC_URL: must be http(s)://host, without a query")
    return url


def _reachable(bind: str) -> str:
    """A wildcard address is no address to call: the loopback stands for it."""
    host, _, port = bind.rpartition(":")
    try:
        wildcard = ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        wildcard = False
    return f"127.0.0.1:{port}" if wildcard else bind


def _one_of(name: str, value: str, *words: str) -> str:
    if value.lower() not in words:
        raise SettingInvalid(f"{name}: must be one of {', '.join(word or 'empty' for word in words)}")
    return value.lower()


def _number(name: str, value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise SettingInvalid(f"{name}: must be a number from {least} to {most}")
    return int(value)


def _file(name: str, value: str) -> Path | None:
    if value and not Path(value).is_file():
        raise SettingInvalid(f"{name}: there is no such file")
    return Path(value) if value else None


def _directory(name: str, value: str) -> Path | None:
    if value and not Path(value).is_dir():
        raise SettingInvalid(f"{name}: there is no such directory, or it may not be read")
    return Path(value) if value else None
