"""Checks of `onecert doctor` of what is kept: can it be written, is there room, does what is erased stay erased."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from config.commands.finding import Finding
from config.db.engine import reading
from config.ground import Ground
from config.processes.heartbeats import Heartbeat

GB: Final = 1 << 30
LEAST_SHARE, LEAST_BYTES = 0.1, GB // 4
"""Below this share of the disk a warning, below these bytes a failure."""
LOG_DAYS: Final = 5
"""A binary log or a backup keeps what was erased: no longer than this (docs/security.md)."""
BACKUP_HOURS: Final = 26
DAY_S: Final = 86_400


def _write(ground: Ground) -> Finding:
    beat = Heartbeat(ground, "doctor")
    beat.write()
    beat.forget()
    return Finding("write", "ok", "a row was written and taken away again")


def _disk(ground: Ground) -> Finding:
    if not ground.settings.data.is_dir():
        return Finding("disk", "warn", f"there is no directory {ground.settings.data} (ONECERT_DATA)")
    room = shutil.disk_usage(ground.settings.data)
    detail = f"{room.free / GB:.1f} GB of {room.total / GB:.1f} are free below {ground.settings.data}"
    if room.free < LEAST_BYTES:
        return Finding("disk", "fail", f"{detail}; free space, or nothing can be written soon")
    return Finding("disk", "warn" if room.free < LEAST_SHARE * room.total else "ok", detail)


def _binary_log(ground: Ground) -> Finding:
    if ground.engine.dialect.name == "sqlite":
        return Finding("binary log", "ok", "SQLite has none; its write-ahead log is emptied every minute")
    with reading(ground.engine) as db:
        if _variable(db, "log_bin") not in ("ON", "1"):
            return Finding("binary log", "ok", "the server writes none")
        kept = _variable(db, "binlog_expire_logs_seconds") or "0"
        days = float(kept) / DAY_S or float(_variable(db, "expire_logs_days") or "0")
    if not days:
        return Finding("binary log", "warn", f"it is kept for ever: set binlog_expire_logs_seconds to {LOG_DAYS} days")
    if days > LOG_DAYS:
        detail = (
            f"it keeps for {days:g} days what was erased: set binlog_expire_logs_seconds to {LOG_DAYS} days at most"
        )
        return Finding("binary log", "warn", detail)
    return Finding("binary log", "ok", f"it expires after {days:g} days")


def _variable(db: Connection, name: str) -> str | None:
    row = db.execute(text("SHOW GLOBAL VARIABLES LIKE :name"), {"name": name}).first()
    return str(row[1]) if row else None


def _backup(ground: Ground) -> Finding:
    place = ground.settings.backups
    if place is None:
        if ground.engine.dialect.name == "sqlite":
            return Finding("backup", "ok", "ONECERT_BACKUPS is not set: nothing is looked at")
        return Finding("backup", "warn", "nobody knows of one: set ONECERT_BACKUPS to the directory that has them")
    newest = max((file.stat().st_mtime for file in place.iterdir() if file.is_file()), default=None)
    if newest is None:
        return Finding("backup", "fail", f"there is none in {place}")
    hours = max(ground.clock.now() / 1000 - newest, 0) / 3600
    detail = f"the newest in {place} is {hours:.0f} hours old"
    return Finding("backup", "ok" if hours <= BACKUP_HOURS else "warn", detail + _stale(place, ground.clock.now()))


def _stale(place: Path, now: int) -> str:
    limit = now / 1000 - LOG_DAYS * DAY_S
    old = sum(file.stat().st_mtime < limit for file in place.iterdir() if file.is_file())
    return f"; {old} are older than {LOG_DAYS} days and keep what was erased" if old else ""


STORAGE: Final[dict[str, Callable[[Ground], Finding]]] = {
    "write": _write,
    "disk": _disk,
    "binary log": _binary_log,
    "backup": _backup,
}
