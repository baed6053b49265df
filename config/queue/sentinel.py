"""Redis behind sentinels: the address that names them, and clients that ask them who the master is.

A failover loses what was not replicated yet; that is a small flush, and Redis may be flushed at any instant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import ConnectionPool, Redis
from redis.sentinel import Sentinel, SentinelConnectionPool

SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}
DEFAULT_PORT = 26379
OPTIONS = frozenset({"sentinel_username", "sentinel_password"})
FORM = "redis+sentinel://[user:password@]host[:port],host[:port]/service[/db][?sentinel_password=...]"


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """`hosts` are the sentinels', `service` the name they know the master by; `tls` holds for both."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int
    tls: bool
    login: dict[str, str] = field(repr=False)
    sentinel_login: dict[str, str] = field(repr=False)


def is_sentinel(url: str) -> bool:
    """Return whether the address names sentinels rather than Redis itself."""
    return url.partition("://")[0] in SCHEMES


def parse_sentinel_url(url: str) -> SentinelAddress:
    """An address of the form FORM; ValueError, without any of it, when it is another."""
    parts = urlsplit(url)
    user, _, places = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not service or not (db or "0").isdecimal() or not OPTIONS.issuperset(options) or parts.fragment:
        raise ValueError(f"must be {FORM}")
    name, _, password = user.partition(":")
    return SentinelAddress(
        hosts=tuple(_host(place) for place in places.split(",")),
        service=unquote(service),
        db=int(db or "0"),
        tls=SCHEMES[parts.scheme],
        login=_login(unquote(name), unquote(password)),
        sentinel_login=_login(options.get("sentinel_username", ""), options.get("sentinel_password", "")),
    )


def make_sentinel_redis(url: str, **options: Any) -> Redis:
    """A client of whoever is master at the moment it connects; `options` are the connection's."""
    address = parse_sentinel_url(url)
    tls = {"ssl": True} if address.tls else {}
    patience = {
        "socket_timeout": options["socket_timeout"],
        "socket_connect_timeout": options["socket_connect_timeout"],
    }
    sentinel = Sentinel(address.hosts, sentinel_kwargs={**patience, **address.sentinel_login, **tls})  # type: ignore[no-untyped-call]
    client: Redis = sentinel.master_for(address.service, db=address.db, **address.login, **tls, **options)  # type: ignore[no-untyped-call]
    return client


def another_pool(pool: ConnectionPool, **changed: Any) -> ConnectionPool:
    """A pool of the same connections but for what is `changed`; of sentinels, if it was."""
    options = {**pool.connection_kwargs, **changed}
    if not isinstance(pool, SentinelConnectionPool):
        return ConnectionPool(connection_class=pool.connection_class, **options)
    del options["connection_pool"]  # the pool's own link to itself
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]
        pool.service_name, pool.sentinel_manager, connection_class=pool.connection_class, **options
    )


def _host(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError(f"must be {FORM}")
    return parts.hostname, parts.port or DEFAULT_PORT


def _login(name: str, password: str) -> dict[str, str]:
    given = {"username": name, "password": password}
    return {word: value for word, value in given.items() if value}
