"""Secrets that the catalogue names and never holds: tokens and keys of accounts, partners, links.

They are sealed in the database under their name. While one is changed, its successor stands
beside it as `NAME.next`: both are accepted, the first is used to sign.
"""

import re
import threading

from sqlalchemy import Column, Connection, Engine, String, Table, delete, select, update

from config.crypto.key_ring import KeyRing
from config.db.engine import metadata, reading, upsert
from config.db.types import Ms, Sealed
from config.errors import ConfigError, SecretMissing
from config.times.clock import Clock

LONGEST = 4096
NEXT = ".next"
REMEMBER_MS = 5_000
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}\.[a-z0-9_]{1,32}(\.next)?", re.ASCII)

secret = Table(
    "secret",
    metadata,
    Column("name", String(96), primary_key=True),
    Column("sealed", Sealed(LONGEST), nullable=False),
    Column("set_at", Ms, nullable=False),
)


class SecretStore:
    """Reads and writes named secrets; a value is remembered for at most 5 s."""

    def __init__(self, engine: Engine, keys: KeyRing, clock: Clock) -> None:
        self._engine = engine
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[int, str | None]] = {}

    def get(self, name: str) -> str:
        """The secret's value; SecretMissing when it was never set."""
        value = self._read(name)
        if value is None:
            raise SecretMissing(f"the secret {name} is not set; `onecert config secret set {name}` sets it")
        return value

    def both(self, name: str) -> list[str]:
        """The secret, then its successor if there is one: what a signature may be made with."""
        successor = self._read(name + NEXT)
        return [self.get(name)] if successor is None else [self.get(name), successor]

    def set(self, db: Connection, name: str, value: str, now: int) -> None:
        """Seal and keep a value under this name, in the caller's transaction."""
        if not NAME.fullmatch(name):
            raise ConfigError(f"no secret can have the name {name[:64]!r}: it is <code>.<kind>, such as tencent.key")
        if not 0 < len(value.encode()) <= LONGEST:
            raise ConfigError(f"the secret {name} must have 1 to {LONGEST} bytes")
        sealed = self._keys.seal(value.encode(), table="secret", column="sealed", row=name)
        row = {"name": name, "sealed": sealed, "set_at": now}
        db.execute(upsert(secret, db.dialect.name, update=["sealed", "set_at"]), [row])
        self.forget()

    def seal_again(self, db: Connection) -> None:
        """Seal every secret under the newest data key, so that the earlier ones open none of them."""
        for row in db.execute(select(secret)).all():
            plain = self._keys.open(row.sealed, table="secret", column="sealed", row=row.name)
            sealed = self._keys.seal_newest(db, plain, table="secret", column="sealed", row=row.name)
            db.execute(update(secret).where(secret.c.name == row.name).values(sealed=sealed))
        self.forget()

    def remove(self, db: Connection, name: str) -> None:
        """Delete a secret, for instance a `.next` that became the secret."""
        db.execute(delete(secret).where(secret.c.name == name))
        self.forget()

    def forget(self) -> None:
        """Read every secret anew from now on."""
        with self._lock:
            self._remembered.clear()

    def listing(self) -> list[tuple[str, int]]:
        """Name and time of every secret, by name; never a value."""
        with reading(self._engine) as db:
            rows = db.execute(select(secret.c.name, secret.c.set_at).order_by(secret.c.name))
            return [(row.name, row.set_at) for row in rows]

    def _read(self, name: str) -> str | None:
        now = self._clock.now()
        with self._lock:
            read_at, value = self._remembered.get(name, (0, None))
        if 0 <= now - read_at < REMEMBER_MS:
            return value
        value = self._load(name)
        with self._lock:
            self._remembered[name] = (now, value)
        return value

    def _load(self, name: str) -> str | None:
        with reading(self._engine) as db:
            sealed = db.execute(select(secret.c.sealed).where(secret.c.name == name)).scalar_one_or_none()
        if sealed is None:
            return None
        return self._keys.open(sealed, table="secret", column="sealed", row=name).decode()
