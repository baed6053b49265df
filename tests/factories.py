"""What tests make again and again."""

from __future__ import annotations

from sqlalchemy import Engine

from config.bootstrap import bootstrap
from config.ground import Ground
from query.schema import upgrade

LAUNCH_DAY = 1_795_327_500_000
"""2026-11-22 14:05 in Shanghai, in epoch milliseconds: the day of the designers' pictures."""


def make_schema(engine: Engine) -> None:
    """All tables, as the migrations make them."""
    upgrade(engine)


def prepare(ground: Ground, sandbox_url: str | None = None) -> None:
    """Keys, the default catalogue and its secrets in a database that has the schema."""
    bootstrap(ground, lambda engine: None, sandbox_url)
