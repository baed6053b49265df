"""Prepares a new deployment for its first request: tables, a data key, a catalogue, secrets.

Everything is made only where it is missing, so it may run at every start, and by two processes at once.
"""

from __future__ import annotations

import base64
import fcntl
import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select

from config import audit
from config.catalogue.document import default_document, load_catalogue, required_secrets
from config.catalogue.edit import set_address
from config.catalogue.store import catalogue_version
from config.crypto.rsa_keys import make_private_key, public_half
from config.crypto.secrets import secret
from config.db.engine import begin, reading
from config.db.named_lock import hold
from config.ground import Ground

LOCK_WAIT_S = 60
SANDBOX, SANDBOX_CMPP = "sandbox", "sandbox-cmpp"
PLATFORM_KEY, SANDBOX_KEY = ".platform_key", ".sandbox_key"
CONTENT_KEY_BYTES = 16


def bootstrap(ground: Ground, upgrade: Callable[[Engine], None], sandbox_url: str | None) -> None:
    """Make what is missing. `upgrade` brings the tables up to date; `sandbox_url` is where the sandbox is, if anywhere.

    A catalogue that names another address for the sandbox gets a new version with this one.
    """
    with _alone(ground):
        _prepare(ground, upgrade)
        with begin(ground.engine) as db:
            audit.begin_head(db, ground)
            made = [*_make_catalogue(db, ground, sandbox_url), *_make_secrets(db, ground)]
            if made:
                audit.record(db, ground, "bootstrap", "onecert", "made " + ", ".join(made))
    ground.catalogues.forget()
    ground.secrets.forget()


def prepare(ground: Ground, upgrade: Callable[[Engine], None]) -> None:
    """Bring the tables up to date, and make the data key that everything in them is sealed with if there is none."""
    with _alone(ground):
        _prepare(ground, upgrade)


def is_prepared(ground: Ground) -> bool:
    """Return whether a data key exists. Raises DatabaseUnavailable when its table does not."""
    with reading(ground.engine) as db:
        return not ground.keys.is_empty(db)


def make_secret(name: str) -> str:
    """A random value in the form that the kind of secret has."""
    kind = name.rsplit(".", 1)[-1]
    if kind == "aes_key":
        # 43 characters of base64 without + and /; the last may only carry the key's four remaining bits.
        letters = string.ascii_letters + string.digits
        return "".join(secrets.choice(letters) for _ in range(42)) + secrets.choice("AEIMQUYcgkosw048")
    if kind in ("private_key", "platform_key"):
        return make_private_key()
    if kind == "content_key":
        return base64.b64encode(secrets.token_bytes(CONTENT_KEY_BYTES)).decode()
    return secrets.token_hex(16) if kind in ("token", "app_secret") else secrets.token_urlsafe(32)


def missing_secrets(ground: Ground, db: Connection, *, of_disabled: bool = False) -> list[str]:
    """Secrets that the catalogue in force needs and nobody has set; on demand also those of what is switched off."""
    present = set(db.execute(select(secret.c.name)).scalars())
    catalogue = load_catalogue(ground.catalogues.document(db=db))
    return [name for name in required_secrets(catalogue, of_disabled=of_disabled) if name not in present]


def _make_catalogue(db: Connection, ground: Ground, sandbox_url: str | None) -> Iterator[str]:
    first = db.execute(select(catalogue_version.c.number).limit(1)).first() is None
    document = default_document() if first else ground.catalogues.document(db=db)
    wanted = document
    places = {SANDBOX: sandbox_url, SANDBOX_CMPP: f"cmpp://{ground.settings.sandbox_cmpp_bind}"} if sandbox_url else {}
    addresses = load_catalogue(document).addresses
    for name, url in places.items():
        if url and addresses.get(name, url) != url:
            wanted = set_address(wanted, name, url)
    if first or wanted != document:
        note = "the default" if first else f"the sandbox is at {sandbox_url}"
        number = ground.catalogues.apply(db, wanted, note, audit.current_actor(), ground.clock.now())
        yield f"catalogue version {number}"


def _make_secrets(db: Connection, ground: Ground) -> Iterator[str]:
    missing = missing_secrets(ground, db, of_disabled=True)
    for name in missing:
        for made, value in _with_other_half(name, make_secret(name)):
            ground.secrets.set(db, made, value, ground.clock.now())
    if missing:
        yield f"{len(missing)} random secrets"


def _with_other_half(name: str, value: str) -> Iterator[tuple[str, str]]:
    """A platform's public key is half a pair: until the real one is set, the sandbox signs with the other half."""
    if not name.endswith(PLATFORM_KEY):
        yield name, value
        return
    yield name, public_half(value)
    yield name.removesuffix(PLATFORM_KEY) + SANDBOX_KEY, value


def _prepare(ground: Ground, upgrade: Callable[[Engine], None]) -> None:
    upgrade(ground.engine)
    with begin(ground.engine) as db:
        # Committed at once: everything else is sealed or signed with it.
        ground.keys.ensure_first(db, ground.clock.now())


@contextmanager
def _alone(ground: Ground) -> Iterator[None]:
    """Hold the one lock that every bootstrap of this database takes."""
    if ground.engine.dialect.name == "sqlite":
        with (ground.settings.data / "bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with hold(ground.engine, "bootstrap", LOCK_WAIT_S):
        yield
