"""What everything above stands on: one object, made once a process and passed as first argument."""

import os
from dataclasses import dataclass

from redis import Redis
from sqlalchemy import Engine

from config.catalogue_store import CatalogueStore
from config.clock import Clock, DatabaseClock
from config.db import make_engine
from config.keys import KeyRing
from config.log import configure_logging
from config.outgoing import Outgoing
from config.queue import Bell, make_redis
from config.sealing import self_test
from config.secret_store import SecretStore
from config.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Ground:
    """The settings and the open doors to the database, Redis and the network."""

    settings: Settings
    engine: Engine
    clock: Clock
    keys: KeyRing
    secrets: SecretStore
    catalogues: CatalogueStore
    redis: "Redis"
    bell: Bell
    http: Outgoing


def make_ground(settings: Settings, clock: Clock | None = None) -> Ground:
    """Join the parts. Nothing is connected yet: the database and Redis may still be starting."""
    self_test()
    engine = make_engine(settings)
    time = clock or DatabaseClock(engine)
    redis = make_redis(settings.redis_url)
    keys = KeyRing(engine, settings.master_key, settings.crypto, time)
    return Ground(
        settings=settings,
        engine=engine,
        clock=time,
        keys=keys,
        secrets=SecretStore(engine, keys, time),
        catalogues=CatalogueStore(engine, keys, time),
        redis=redis,
        bell=Bell(redis),
        http=Outgoing(settings.ca_file),
    )


def load_ground() -> Ground:
    """The Ground that this process's environment describes, with its log lines going where they belong."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_level)
    return make_ground(settings)
