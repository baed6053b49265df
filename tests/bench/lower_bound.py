"""The floor: the pipeline with HTTP, cryptography, validation and composing replaced by constants.

The same statements, rows and batches, and the same RQ, Redis and SQLAlchemy: processes of the product in which what is
named above is patched away (`python -m tests.bench.lower_bound worker|gateway`). A real one cannot be faster.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest.mock import patch

from redis import Redis
from sqlalchemy import select, update

from config.catalogue.schema import Partner
from config.crypto.key_ring import KeyRing
from config.db.engine import begin, reading
from config.ground import Ground
from enterprises.client import LookupResult
from enterprises.protocol import Answer, Counts, Item, Verdict
from query.inquiry import Outcome
from query.reply import Reply
from sms_port.links.link import Accepted, Dispatch, SendResult
from sms_port.models import leader
from sms_port.sending.leader_lease import STANDBY_S
from tests.bench.instances import workers_stopped
from tests.support.instances import ONECERT, Instance
from tests.support.servers import wait_until

PADDING = bytes(31)
TEXT = "【一证通查】您名下手机号码138****8000" + "查" * 160
WORKERS = 2
ROLES = ["worker"] * WORKERS + ["gateway"]


def seal(_keys: KeyRing, plain: bytes, **_place: object) -> bytes:
    """As long as what is sealed."""
    return plain + PADDING


def open_sealed(_keys: KeyRing, sealed: bytes, **_place: object) -> bytes:
    """Return what `seal` was given."""
    return sealed[: -len(PADDING)]


def answer(_ground: Ground, partner: Partner, kind: str, _service: str, items: Sequence[Item], *_: int) -> LookupResult:
    """The same answer for every item."""
    fixed_answer: Answer = Verdict("match") if kind == "identity" else Counts({one.code: 1 for one in partner.counted})
    return LookupResult("", {item.id: fixed_answer for item in items})


def take(_link: object, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
    """The gateway has everything."""
    return {dispatch.reference: Accepted() for dispatch in batch}


CONSTANTS: dict[str, Callable[..., Any]] = {
    "config.crypto.key_ring.KeyRing.seal": seal,
    "config.crypto.key_ring.KeyRing.open": open_sealed,
    "sms_port.ledger.messages.fingerprint": lambda *_: bytes(32),
    "query.asking.calls.client.ask": answer,
    "query.settling.counts._compose": lambda *_: Reply(TEXT, TEXT, Outcome.ANSWERED),
    "sms_port.sending.claims.compose_parts": lambda *_: [TEXT[:67], TEXT[67:134], TEXT[134:]],
    "sms_port.links.http.link.HttpLink.send": take,
}


@contextlib.contextmanager
def sealed_by_nobody() -> Iterator[None]:
    """Within it, rows are stored that the floor's processes can open."""
    with patch("config.crypto.key_ring.KeyRing.seal", seal):
        yield


@contextlib.contextmanager
def on_the_floor(ground: Ground, instance: Instance) -> Iterator[None]:
    """Have the floor's workers and gateway do the work of the instance's for the block."""
    with workers_stopped(instance):
        _take_nothing(ground.redis)
        with begin(ground.engine) as db:
            db.execute(update(leader).values(until=0))
        command = [sys.executable, "-m", "tests.bench.lower_bound"]
        children = [
            subprocess.Popen([*command, role], env=instance.environment, stderr=subprocess.DEVNULL) for role in ROLES
        ]
        try:
            wait_until(lambda: _leads(ground))
            time.sleep(1)
            yield
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(10)
    time.sleep(2 * STANDBY_S)  # the instance's own gateway leads again


def _take_nothing(redis: Redis) -> None:
    """Leave no process waiting at Redis: one held up there would be given the next ring, and nobody else would."""
    for client in redis.client_list():
        if "b" in client["flags"]:
            redis.client_unblock(int(client["id"]))


def _leads(ground: Ground) -> bool:
    with reading(ground.engine) as db:
        until = db.execute(select(leader.c.until)).scalar_one_or_none()
    return bool(until and until > ground.clock.now())


if __name__ == "__main__":
    from app import cli

    with contextlib.ExitStack() as patches:
        for name, constant in CONSTANTS.items():
            patches.enter_context(patch(name, constant))
        sys.argv = [ONECERT, *sys.argv[1:]]
        cli()
