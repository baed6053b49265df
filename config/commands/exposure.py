"""The checks of `onecert doctor` that ask what others could read or forge on the way to us."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import text

from config.catalogue.fields import LOOPBACK
from config.commands.finding import Finding
from config.db.engine import reading
from config.ground import Ground
from config.queue.sentinel import is_sentinel, parse_sentinel_url
from config.telemetry.recent_counts import CLIENT_ADDRESS_UNREADABLE, read_count


def check_database_way(ground: Ground) -> Finding:
    """Warn of a database across a network without TLS, or with a certificate that nobody compares."""
    name, url = "database connection", ground.engine.url
    if url.get_backend_name() == "sqlite" or url.query.get("unix_socket") or url.host in LOOPBACK:
        return Finding(name, "ok", "does not leave this host")
    with reading(ground.engine) as db:
        cipher = db.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).first()
    if cipher is None or not cipher[1]:
        return Finding(
            name, "warn", "crosses a network without TLS; let the server have it, and add ssl_ca=FILE to the URL"
        )
    if not url.query.get("ssl_ca"):
        return Finding(
            name, "warn", f"{cipher[1]}, but nobody compares the server's certificate; add ssl_ca=FILE to the URL"
        )
    return Finding(name, "ok", f"{cipher[1]}, certificate compared")


def check_redis_way(ground: Ground) -> Finding:
    """Warn of a Redis across a network without TLS or without a password."""
    faults = find_redis_faults(ground.settings.redis_url)
    if faults:
        what = f"{' and '.join(faults)}: whoever can reach or read it can stop the service; see ONECERT_REDIS_URL"
        return Finding("redis connection", "warn", what)
    return Finding("redis connection", "ok", "does not leave this host, or has TLS and a password")


def find_redis_faults(url: str) -> list[str]:
    """Return what a Redis at this address lacks, the private one nothing. Pure."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return []
    if is_sentinel(url):
        address = parse_sentinel_url(url)
        hosts, encrypted, has_password = {host for host, _ in address.hosts}, address.tls, bool(address.login)
    else:
        hosts, encrypted, has_password = {parts.hostname or ""}, parts.scheme == "rediss", bool(parts.password)
    if hosts <= set(LOOPBACK):
        return []
    wanted = {"no TLS": encrypted, "no password": has_password}
    return [fault for fault, is_met in wanted.items() if not is_met]


def check_proxies(ground: Ground) -> Finding:
    """Warn where the clients' addresses are not those that limits count by."""
    if not ground.settings.trusted_proxies:
        if ground.settings.public_url.startswith("https://"):
            return Finding(
                "proxies",
                "warn",
                "ONECERT_TRUSTED_PROXIES is 0, but something in front speaks HTTPS: all clients have its address, "
                "and share its budgets; set how many proxies add the client's",
            )
        return Finding("proxies", "ok", "ONECERT_TRUSTED_PROXIES is 0: connections come from the clients themselves")
    lost = read_count(ground.redis, CLIENT_ADDRESS_UNREADABLE, ground.clock.now())
    if lost:
        return Finding(
            "proxies",
            "warn",
            f"{lost} requests in 24 hours had no readable client address, so no limit by address held for them; "
            "see client_address_unreadable in the log, ONECERT_TRUSTED_PROXIES and ONECERT_FORWARDED_HEADER",
        )
    return Finding("proxies", "ok", "the client's address of every request in 24 hours could be read")


EXPOSURES: Final[Mapping[str, Callable[[Ground], Finding]]] = {
    "database connection": check_database_way,
    "redis connection": check_redis_way,
    "proxies": check_proxies,
}
