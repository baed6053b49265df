"""`onecert doctor`: looks at everything a deployment stands on and says what to do about what is wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib.util import find_spec
from urllib.parse import urlsplit

import click
from redis.exceptions import RedisError
from sqlalchemy import inspect, select

from config.bootstrap import SANDBOX, missing_secrets
from config.catalogue.fields import LOOPBACK
from config.catalogue.holidays import find_calendar_warnings
from config.catalogue.launch import find_launch_faults, find_launch_warnings, uses_sandbox
from config.catalogue.rules import find_warnings
from config.commands.exposure import EXPOSURES
from config.commands.finding import Finding
from config.commands.secrets import own_keys
from config.commands.storage import STORAGE
from config.commands.terminal import json_option, print_table
from config.crypto.rsa_keys import load_public_key
from config.db.engine import metadata, reading
from config.errors import OneCertError, SettingInvalid
from config.ground import Ground, make_ground
from config.processes.heartbeats import ROLES, read_processes
from config.settings import SETTINGS, Settings, load_settings
from config.telemetry.recent_counts import PUSH_UNREADABLE, read_count
from config.times.clock import SystemClock
from config.times.formats import shanghai

SKEW_WARN_MS = 2_000
LIBRARIES = {"aliyun": "alibabacloud_dysmsapi20170525"}
"""Packages that drivers need and only an extra installs."""


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, database, Redis, keys, catalogue, secrets and clocks; exit 1 when something fails."""
    findings = list(examine())
    print_table([asdict(finding) for finding in findings], ["check", "state", "what"], as_json)
    if any(finding.state == "fail" for finding in findings):
        raise click.exceptions.Exit(1)


def examine() -> Iterator[Finding]:
    """Every finding, in an order in which the first failure explains the later ones."""
    yield from _settings()
    try:
        ground = make_ground(load_settings(os.environ, founding=False))
    except SettingInvalid as error:
        yield Finding("settings", "fail", error.detail)
        return
    found: dict[str, Finding] = {}
    for name, check in CHECKS.items():
        found[name] = _look(ground, name, check, found)
        yield found[name]
    ground.engine.dispose()


def _look(ground: Ground, name: str, check: Callable[[Ground], Finding], found: Mapping[str, Finding]) -> Finding:
    """Make one check. What stands on a part that is away is not looked at: a Redis that hangs costs seconds."""
    for part, dependents in NEEDED.items():
        if name in dependents and found[part].state != "ok":
            return Finding(name, "warn", f"cannot be told while {part} is not ok")
    try:
        return check(ground)
    except OneCertError as error:
        return Finding(name, "fail", error.detail or error.code)
    except RedisError:
        return Finding(name, "warn", "cannot be told: Redis does not answer")


def _settings() -> Iterator[Finding]:
    for setting in SETTINGS:
        given = os.environ.get(setting.name) or os.environ.get(f"{setting.name}_FILE")
        shown = "set" if given and setting.secret else given
        unset = f"not set: {setting.default}" if setting.default else "not set"
        yield Finding(setting.name, "ok", shown or f"{unset} ({setting.meaning})")


def _database(ground: Ground) -> Finding:
    begun = time.monotonic()
    with reading(ground.engine) as db:
        db.execute(select(1))
    milliseconds = (time.monotonic() - begun) * 1000
    return Finding("database", "ok", f"{ground.engine.dialect.name} answers in {milliseconds:.0f} ms")


def _schema(ground: Ground) -> Finding:
    with reading(ground.engine) as db:
        there = inspect(db)
        names = set(there.get_table_names())
        missing = [table.name for table in metadata.sorted_tables if table.name not in names]
        missing += [
            f"{table.name}.{column}"
            for table in metadata.sorted_tables
            if table.name in names
            for column in {c.name for c in table.columns} - {c["name"] for c in there.get_columns(table.name)}
        ]
    if missing:
        return Finding("schema", "fail", f"missing: {', '.join(sorted(missing))}; run `onecert db upgrade`")
    return Finding("schema", "ok", f"all {len(metadata.tables)} tables are up to date")


def _redis(ground: Ground) -> Finding:
    begun = time.monotonic()
    try:
        ground.redis.ping()
    except RedisError as error:
        if ground.settings.redis_socket:
            return Finding("redis", "warn", "the private Redis does not run; `onecert up` starts it")
        return Finding(
            "redis", "fail", f"does not answer ({type(error).__name__}); check ONECERT_REDIS_URL and the server"
        )
    return Finding("redis", "ok", f"answers in {(time.monotonic() - begun) * 1000:.0f} ms")


def _keys(ground: Ground) -> Finding:
    ground.keys.check()
    return Finding("keys", "ok", f"data key {ground.keys.current_id()} of {len(ground.keys.listing())} is in use")


def _catalogue(ground: Ground) -> Finding:
    catalogue = ground.catalogues.current()
    if faults := find_launch_faults(catalogue):
        return Finding("catalogue", "fail", f"version {catalogue.version}: {'; '.join(faults)}")
    warnings = find_warnings(catalogue) + find_launch_warnings(catalogue)
    warnings += find_calendar_warnings(catalogue, shanghai(ground.clock.now()).date())
    if uses_sandbox(catalogue) and not catalogue.operator.demonstration:
        warnings.append("operator: answers for what the sandbox plays; keep the demonstration's until all is real")
    if SANDBOX in catalogue.addresses and not _is_local(ground.settings):
        warnings.append("addresses.sandbox: partners or links may still be the sandbox's; apply the real addresses")
    if warnings:
        return Finding("catalogue", "warn", f"version {catalogue.version}: {'; '.join(warnings)}")
    return Finding("catalogue", "ok", f"version {catalogue.version}")


def _links(ground: Ground) -> Finding:
    missing = [
        f"links[{link.code}]: pip install 'onecert[{link.driver}]', or nothing goes over it"
        for link in ground.catalogues.current().links
        if link.enabled and link.driver in LIBRARIES and find_spec(LIBRARIES[link.driver]) is None
    ]
    if missing:
        return Finding("links", "fail", "; ".join(missing))
    return Finding("links", "ok", "the library of every enabled link is installed")


def _secrets(ground: Ground) -> Finding:
    with reading(ground.engine) as db:
        missing = missing_secrets(ground, db)
    if missing:
        return Finding("secrets", "fail", f"missing: {', '.join(missing)}; `onecert config secret set NAME` sets each")
    swapped = [
        entrance.code
        for entrance in ground.catalogues.current().entrances
        if entrance.kind == "alipay-applet"
        and load_public_key(ground.secrets.get(f"{entrance.code}.platform_key")).public_numbers()
        in own_keys(ground, entrance.code)
    ]
    if swapped:
        return Finding("secrets", "fail", f"{swapped[0]}.platform_key is our own public key; set Alipay's")
    return Finding("secrets", "ok", "every secret that the catalogue needs is set")


def _clock(ground: Ground) -> Finding:
    before, shared, after = SystemClock().now(), ground.clock.now(), SystemClock().now()
    apart = max(before - shared, shared - after, 0)  # not what the question itself took
    if apart > SKEW_WARN_MS:
        return Finding("clock", "warn", f"this host and the database are {apart / 1000:.1f} s apart; check NTP on both")
    return Finding("clock", "ok", f"this host and the database are {apart} ms apart")


def _processes(ground: Ground) -> Finding:
    seen = read_processes(ground)
    if not seen:
        return Finding("processes", "warn", "none has been seen in a day; start web, worker, gateway and clock")
    alive = {(one.role, one.host) for one in seen if one.alive}
    missing = [role for role in ROLES if role not in {role for role, _ in alive}]
    if missing:
        return Finding("processes", "fail", f"no {' and no '.join(missing)} is alive; see `onecert processes`")
    silent = sorted({f"{one.role} on {one.host}" for one in seen} - {f"{role} on {host}" for role, host in alive})
    if silent:
        return Finding("processes", "warn", f"silent: {', '.join(silent)}; see `onecert processes`")
    return Finding("processes", "ok", f"{len([one for one in seen if one.alive])} are alive")


def _public_url(ground: Ground) -> Finding:
    url = ground.settings.public_url
    others = {one.public_url for one in read_processes(ground) if one.role == "web" and one.alive} - {url}
    if others:
        detail = (
            f"here it is {url}, but web processes that run have {', '.join(sorted(others))}; set ONECERT_PUBLIC_URL"
        )
        return Finding("public address", "warn", detail)
    if url.startswith("https://"):
        return Finding("public address", "ok", url)
    if _is_local(ground.settings):
        return Finding(
            "public address", "warn", f"{url} is for trying out only; set ONECERT_PUBLIC_URL to an https address"
        )
    return Finding("public address", "fail", f"{url} is not https: numbers and codes could be read on the way")


def _pushes(ground: Ground) -> Finding:
    lost = read_count(ground.redis, PUSH_UNREADABLE, ground.clock.now())
    if lost:
        return Finding(
            "pushes",
            "warn",
            f"{lost} signed pushes in 24 hours could not be read; compare each account's EncodingAESKey and app id "
            "with WeChat's back office (push_unreadable in the log names the account)",
        )
    return Finding("pushes", "ok", "every signed push in 24 hours could be read")


def _is_local(settings: Settings) -> bool:
    return urlsplit(settings.public_url).hostname in LOOPBACK


NEEDED = {"database": ("clock",), "redis": ("proxies", "pushes")}
CHECKS: dict[str, Callable[[Ground], Finding]] = {
    "database": _database,
    "schema": _schema,
    **STORAGE,
    "redis": _redis,
    "keys": _keys,
    "catalogue": _catalogue,
    "links": _links,
    "secrets": _secrets,
    "clock": _clock,
    "processes": _processes,
    "public address": _public_url,
    **EXPOSURES,
    "pushes": _pushes,
}
