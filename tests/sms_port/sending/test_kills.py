"""A gateway that is killed again and again: the far side never sees a message twice, save a flagged resend.

`KILLS` says how often it dies: 16 times here (8 on SQLite), 200 with `make soak`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import SystemRandom

from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import RESEND_AFTER_MS, Lane, Owed, sweep
from sms_port.models import State, message
from tests.sms_port.cmpp_peers import Faulty, Peer, run_peer, use_cmpp
from tests.sms_port.messages import News, owe_all
from tests.support.servers import wait_until

KILLS = int(os.environ.get("KILLS", "16"))
STEP_MS = 180_000
LIVES_S = 1.2
CHANCE = SystemRandom()
POINTS = [
    "sms_port.sending.gateway:claim",
    "+sms_port.sending.gateway:claim",
    "sms_port.sending.claims:_lease",
    "+sms_port.links.session.protocol:ProtocolSession.submit",
    "+sms_port.links.session.link:SessionLink.pump",
    "+sms_port.links.session.stream:Stream.flush",
    "sms_port.links.session.link:SessionLink._answered",
    "sms_port.sending.results:record",
    "+sms_port.sending.results:record",
    "sms_port.sending.results:name_parts",
    "+sms_port.sending.results:apply_early",
    "+sms_port.sending.link_pool:LinkPool.expect",
    "sms_port.sending.link_pool:LinkPool.on_submit",
    "sms_port.sending.link_pool:record_receipts",
    "+sms_port.ledger.receipts:assign",
    "sms_port.ledger.receipts:settle_receipts",
    "sms_port.links.session.link:SessionLink._acknowledge",
    "-",
]


def make(number: int, lane: Lane) -> Owed:
    phone = f"138{number:08d}"
    if lane is Lane.CODE:
        return Owed(secrets.token_bytes(16), lane, phone, "【一证通查】验证码482913")
    text = "【一证通查】您查询的账号数量：" + "微信2个，" * (12 if number % 3 == 0 else 2)
    return Owed(secrets.token_bytes(16), lane, phone, text, resend_text=text.replace("】", "】（补发）", 1))


class Gateways:
    """Starts one gateway at a time, its clock moved by `offset_ms`, and sees it to its end."""

    def __init__(self, host: subprocess.Popen[str]) -> None:
        self._host = host

    def die(self, offset_ms: int, point: str, passage: int, seconds: float) -> int:
        """One that is killed; how it ended."""
        self._say(offset_ms, point, passage, seconds)
        return self._ended()

    def live_until(self, offset_ms: int, settled: Callable[[], bool]) -> int:
        """One that is stopped once all is settled; how it ended."""
        self._say(offset_ms, "stop", 0, 0)
        wait_until(settled)
        self._say("now")
        return self._ended()

    def _say(self, *words: object) -> None:
        print(*words, file=self._host.stdin, flush=True)

    def _ended(self) -> int:
        assert self._host.stdout
        return int(self._host.stdout.readline())


@contextlib.contextmanager
def mortal_gateways(database_url: str, redis_url: str, directory: Path) -> Iterator[Gateways]:
    """Gateways of a process that has everything loaded."""
    settings = {
        "ONECERT_DATABASE_URL": database_url,
        "ONECERT_REDIS_URL": redis_url,
        "ONECERT_MASTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
        "ONECERT_DATA": str(directory),
    }
    command, root = [sys.executable, "-m", "tests.sms_port.sending.crash"], Path(__file__).parents[3]
    with subprocess.Popen(command, env=os.environ | settings, stdin=-1, stdout=-1, text=True, cwd=root) as host:
        assert host.stdin
        yield Gateways(host)
        host.stdin.close()


def test_no_kill_makes_a_message_twice_or_leaves_one_stuck(
    ground: Ground, clock: FixedClock, news: News, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    offset_ms, owed, doubted = 0, list[Owed](), set[bytes]()
    kills = KILLS if ground.engine.dialect.name == "mysql" else KILLS // 2

    def pass_time(step_ms: int = STEP_MS) -> None:
        nonlocal offset_ms
        offset_ms += step_ms
        clock.ms = time.time_ns() // 1_000_000 + offset_ms
        sweep(ground, news)

    def settled() -> bool:
        due = in_state(ground, State.DUE, State.SENDING)
        return not due and {item.id for item in owed} - doubted <= in_state(ground, State.DELIVERED)

    clock.ms = time.time_ns() // 1_000_000
    with (
        run_peer(ground.secrets.get("cmpp.key"), Faulty(report_after_s=0.02)) as peer,
        mortal_gateways(database_url, redis_url, tmp_path) as gateways,
    ):
        use_cmpp(ground, peer.gateway.port, extension_digits=9)
        for turn in range(kills):
            fresh = [make(len(owed) + place, lane) for place, lane in enumerate((Lane.CODE, Lane.REPLY, Lane.REPLY))]
            owed += fresh
            owe_all(ground, *fresh)
            point = POINTS[turn % len(POINTS)]
            seconds = CHANCE.uniform(0.05, LIVES_S) if point == "-" else LIVES_S
            assert gateways.die(offset_ms, point, CHANCE.randint(1, 2), seconds) == 9
            doubted |= in_state(ground, State.SENDING, State.UNKNOWN)
            pass_time()
        assert gateways.live_until(offset_ms, settled) == 0
        pass_time(RESEND_AFTER_MS)  # whatever is still in doubt falls due now, all of it, and goes out in the last life
        assert gateways.live_until(offset_ms, settled) == 0
    check_what_the_far_side_saw(peer, {item.phone for item in owed if item.lane is Lane.CODE})
    set_aside = in_state(ground, State.ACCEPTED, State.UNKNOWN, State.UNKNOWN_FINAL)
    assert set_aside <= doubted, "only who was under way when a gateway died"
    assert {item.id for item in owed} - set_aside == in_state(ground, State.DELIVERED)


def in_state(ground: Ground, *states: State) -> set[bytes]:
    """The messages in one of these states."""
    with reading(ground.engine) as db:
        return set(db.scalars(select(message.c.id).where(message.c.state.in_(states))))


def check_what_the_far_side_saw(peer: Peer, codes: set[str]) -> None:
    """Each wording of a message once: itself, and at most one flagged resend; a code once at all."""
    firsts = Counter((part.phone, part.text) for part in peer.parts if part.number == 1)
    assert max(firsts.values()) == 1
    unflagged = Counter(part.phone for part in peer.parts if part.number == 1 and "（补发）" not in part.text)
    assert max(unflagged.values()) == 1
    assert all(count == 1 for phone, count in Counter(part.phone for part in peer.parts).items() if phone in codes)
