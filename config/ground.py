"""The Ground: settings, database, keys, catalogue, queue and HTTP client, made once a process."""

import os
from dataclasses import dataclass

from redis import Redis
from sqlalchemy import Engine

from config.catalogue.store import CatalogueStore
from config.crypto.key_ring import KeyRing
from config.crypto.secrets import SecretStore
from config.crypto.suites import self_test
from config.db.engine import make_engine
from config.net.http_client import HttpClient
from config.queue.bell import Bell, make_redis
from config.settings import Settings, load_settings
from config.telemetry.log import configure_logging
from config.times.clock import Clock, DatabaseClock


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
    http: HttpClient


def make_ground(settings: Settings, clock: Clock | None = None) -> Ground:
    """Join the parts. Nothing is connected yet: the database and Redis may still be starting."""
    self_test()
    engine = make_engine(settings.database_url)
    time = clock or DatabaseClock(engine)
    redis = make_redis(settings.redis_url)
    keys = KeyRing(engine, settings.master_key, settings.crypto, time, settings.previous_master_key)
    return Ground(
        settings=settings,
        engine=engine,
        clock=time,
        keys=keys,
        secrets=SecretStore(engine, keys, time),
        catalogues=CatalogueStore(engine, keys, time),
        redis=redis,
        bell=Bell(redis),
        http=HttpClient(settings.ca_file),
    )


def load_ground() -> Ground:
    """The Ground that this process's environment describes, with its log lines going where they belong."""
    os.umask(0o077)  # whatever this process makes is its owner's alone: the database, keys, logs
    settings = load_settings(os.environ)
    configure_logging(settings.log_level)
    return make_ground(settings)
