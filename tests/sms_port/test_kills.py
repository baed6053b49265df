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

from config.clock import FixedClock
from config.db import reading
from config.ground import Ground
from sms_port.ledger import Lane, Owed, sweep
from sms_port.models import State, message
from tests.sms_port.cmpp_peers import Faulty, Peer, run_peer, use_cmpp
from tests.sms_port.letters import News, owe_all

KILLS = int(os.environ.get("KILLS", "16"))
STEP_MS = 180_000
LIVES_S = 1.2
CHANCE = SystemRandom()
POINTS = [
    "sms_port.gateway:claim",
    "+sms_port.gateway:claim",
    "sms_port.claiming:_lease",
    "+sms_port.links.conversation:Conversation.submit",
    "+sms_port.links.session:SessionLink.pump",
    "+sms_port.links.stream:Stream.flush",
    "sms_port.links.session:SessionLink._answered",
    "sms_port.gateway:record",
    "+sms_port.gateway:record",
    "sms_port.recording:name_parts",
    "+sms_port.recording:_apply_early",
    "sms_port.exchange:record_receipts",
    "+sms_port.receipts:owners_of",
    "sms_port.receipts:settle_words",
    "sms_port.links.session:SessionLink._acknowledge",
    "-",
]


def make(number: int, lane: Lane) -> Owed:
    phone = f"138{number:08d}"
    if lane is Lane.CODE:
        return Owed(secrets.token_bytes(16), lane, phone, "【一证通查】验证码482913")
    text = "【一证通查】您查询的账号数量：" + "微信2个，" * (12 if number % 3 == 0 else 2)
    return Owed(secrets.token_bytes(16), lane, phone, text, resend_text=text.replace("】", "】（补发）", 1))


@contextlib.contextmanager
def mortal_gateways(database_url: str, redis_url: str, directory: Path) -> Iterator[Callable[..., int]]:
    """`live(offset_ms, point, passage, seconds)` runs one gateway to its end and tells how it ended."""
    settings = {
        "ONECERT_DATABASE_URL": database_url,
        "ONECERT_REDIS_URL": redis_url,
        "ONECERT_MASTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
        "ONECERT_DATA": str(directory),
    }
    command, root = [sys.executable, "-m", "tests.sms_port.killed_gateway"], Path(__file__).parents[2]
    with subprocess.Popen(command, env=os.environ | settings, stdin=-1, stdout=-1, text=True, cwd=root) as host:
        assert host.stdin
        assert host.stdout

        def live(*words: object) -> int:
            print(*words, file=host.stdin, flush=True)
            return int(host.stdout.readline())  # type: ignore[union-attr]

        yield live
        host.stdin.close()


def test_no_kill_makes_a_message_twice_or_leaves_one_stuck(
    ground: Ground, clock: FixedClock, news: News, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    clock.advance(round(time.time() * 1000) - clock.now())
    begun, owed = clock.now(), list[Owed]()
    kills = KILLS if ground.engine.dialect.name == "mysql" else KILLS // 2
    with (
        run_peer(ground.secrets.get("cmpp.key"), Faulty(report_after_s=0.02)) as peer,
        mortal_gateways(database_url, redis_url, tmp_path) as live,
    ):
        use_cmpp(ground, peer.gateway.port, extension_digits=9)
        for turn in range(kills + 2):
            if turn < kills:
                fresh = [
                    make(len(owed) + place, lane) for place, lane in enumerate((Lane.CODE, Lane.REPLY, Lane.REPLY))
                ]
                owed += fresh
                owe_all(ground, *fresh)
            point = POINTS[turn % len(POINTS)] if turn < kills else "stop"
            seconds = CHANCE.uniform(0.05, LIVES_S) if point == "-" else LIVES_S
            ended = live(clock.now() - begun, point, CHANCE.randint(1, 2), seconds)
            assert ended == (0 if point == "stop" else 9)
            clock.advance(STEP_MS)
            sweep(ground, news)
    check_what_the_far_side_saw(peer, {item.phone for item in owed if item.lane is Lane.CODE})
    with reading(ground.engine) as db:
        states = Counter(State(state).name for state in db.scalars(select(message.c.state)))
    assert set(states) <= {"DELIVERED", "ACCEPTED", "UNKNOWN", "UNKNOWN_FINAL"}, states
    assert states["DELIVERED"] >= len(owed) * 0.5, states


def check_what_the_far_side_saw(peer: Peer, codes: set[str]) -> None:
    """Each wording of a message once: itself, and at most one flagged resend; a code once at all."""
    firsts = Counter((part.phone, part.text) for part in peer.parts if part.number == 1)
    assert max(firsts.values()) == 1
    unflagged = Counter(part.phone for part in peer.parts if part.number == 1 and "（补发）" not in part.text)
    assert max(unflagged.values()) == 1
    assert all(count == 1 for phone, count in Counter(part.phone for part in peer.parts).items() if phone in codes)
