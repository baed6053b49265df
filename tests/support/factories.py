"""Schemas, keys, catalogues and rows for tests."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from sqlalchemy import Engine, Table, insert, select

from config.bootstrap import bootstrap
from config.catalogue.document import default_document
from config.crypto.key_ring import data_key
from config.crypto.rsa_keys import make_private_key, public_half
from config.db.engine import begin, metadata, reading
from config.ground import Ground
from query.schema import upgrade

LAUNCH_DAY = 1_795_327_500_000
"""2026-11-22 14:05 in Shanghai, in epoch milliseconds: the day of the designers' pictures."""


def make_schema(engine: Engine) -> None:
    """All tables, as the migrations make them."""
    upgrade(engine)


@cache
def key_pairs() -> dict[str, str]:
    """Alipay's keys, made once: an RSA key takes a tenth of a second, and hundreds of tests want one."""
    ours, platforms = make_private_key(), make_private_key()
    return {"private_key": ours, "platform_key": public_half(platforms), "sandbox_key": platforms}


def empty(engine: Engine) -> None:
    """Delete every row."""
    with engine.begin() as db:
        for table in reversed(metadata.sorted_tables):
            db.execute(table.delete())


Rows = dict[Table, list[dict[str, Any]]]
_made: dict[object, Rows] = {}


def prepare(ground: Ground, sandbox_url: str | None = None) -> None:
    """Keys, the default catalogue and its secrets in a database that has the schema.

    Of all empty databases that want the same at the same time the first pays for it; the others are given its rows.
    """
    alike = (ground.settings.master_key, ground.settings.crypto, sandbox_url, ground.clock.now())
    with reading(ground.engine) as db:
        new = db.execute(select(data_key)).first() is None
    if new and alike in _made:
        with begin(ground.engine) as db:
            for table, rows in _made[alike].items():
                db.execute(insert(table), rows)
        return
    _make(ground, sandbox_url)
    if new:
        _made[alike] = _rows(ground)


def switch_off(ground: Ground, service: str) -> None:
    """Apply a catalogue in which a service is switched off."""
    put_in_force(
        ground, ground.catalogues.document().replace(f'code = "{service}"', f'code = "{service}"\nenabled = false')
    )
    assert ground.catalogues.current().service(service) is None


def put_in_force(ground: Ground, document: str) -> None:
    """Apply a catalogue as the next version."""
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "test", "test", ground.clock.now())


def launched_document() -> str:
    """The default catalogue as it must be before citizens come: no sandbox, assumption or lead, but an operator."""
    real = default_document().replace("http://127.0.0.1:8001", "https://partners.example").replace("sandbox", "live")
    real = re.sub(
        r"(?m)^(hotline = .*|\[partners.guide\]|details = .*|removal = .*|source = .*unverified.*)\n", "", real
    )
    contact = 'filing = "京ICP备1号"\nphone = "010-12345678"\nmail = "help@onecert.example"\n'
    real = re.sub(r"(?m)^demonstration = true.*\n", contact, real).replace("演示（非政府网站）", "国家演习中心")
    return real.replace(", assumption = true", "")


def _make(ground: Ground, sandbox_url: str | None) -> None:
    now = ground.clock.now()
    with begin(ground.engine) as db:
        ground.keys.ensure_first(db, now)
    with begin(ground.engine) as db:
        for kind, key in key_pairs().items():
            ground.secrets.set(db, f"alipay-applet.{kind}", key, now)
    bootstrap(ground, lambda engine: None, sandbox_url)


def _rows(ground: Ground) -> Rows:
    with reading(ground.engine) as db:
        every = {table: [dict(row) for row in db.execute(select(table)).mappings()] for table in metadata.sorted_tables}
    return {table: rows for table, rows in every.items() if rows}
