"""What tests make again and again."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Engine

from config.bootstrap import bootstrap
from config.db import begin
from config.ground import Ground
from config.key_pairs import make_private_key, public_half
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


def prepare(ground: Ground, sandbox_url: str | None = None) -> None:
    """Keys, the default catalogue and its secrets in a database that has the schema."""
    now = ground.clock.now()
    with begin(ground.engine) as db:
        ground.keys.ensure_first(db, now)
    with begin(ground.engine) as db:
        for kind, key in key_pairs().items():
            ground.secrets.set(db, f"alipay-applet.{kind}", key, now)
    bootstrap(ground, lambda engine: None, sandbox_url)
