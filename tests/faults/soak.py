"""`make soak`: thousands of inquiries under kills and faults at random; nothing may be lost, late or doubled.

Every tenth citizen also objects to accounts, without waiting for the counts; the same holds for the objections.

Everything random comes from one seed, which is printed first; `--seed` repeats the choices (not the races).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random  # noqa: TID251

import psutil
from sqlalchemy import func, select

from config.db.engine import reading
from query.requests.store import RequestState
from sms_port.models import Lane, message
from tests.faults.checker import check
from tests.faults.deployment import theatre
from tests.faults.external_services import drip, gzip_bomb, html, partial_items, wrong_ids
from tests.faults.failpoints import points
from tests.faults.infrastructure import FAULTS
from tests.faults.instance import STILL_S, Citizen, Theatre
from tests.faults.objection_checker import check_objections
from tests.faults.objectors import closed, let_object, report, requests_to

ROLES = ("web", "worker", "gateway", "clock")
BREATH_S = 0.15
SKIP_S = 4
AT_ONCE = 4
PORTION, THREADS = 100, 16
OBJECTORS = 10
"""One citizen in so many objects, too."""
COMPANIES = ("tencent", "jd")
"""Companies that accept objections and report them later, now and then."""
STEP = 0.05
"""The distance that citizens and kills may have, in parts of the whole."""
ENTERPRISES = ("tencent", "alibaba", "alipay", "baidu", "kuaishou", "douyin", "jd", "meituan")


class Soak:
    """One run: citizens, a killer, a saboteur and the time that runs ahead."""

    def __init__(self, stage: Theatre, seed: int, inquiries: int, kills: int, faults: int, seconds: float) -> None:
        self.stage, self.seed, self.kills, self.faults = stage, seed, kills, faults
        self.citizens = [Citizen(str(13_000_000_000 + place)) for place in range(inquiries)]
        self.objectors = [Citizen(citizen.phone) for citizen in self.citizens[::OBJECTORS]]
        self.until = time.monotonic() + seconds
        self.over = threading.Event()
        self.done: Counter[str] = Counter()

    def run(self) -> list[str]:
        """Play everything; returns what was broken."""
        parts = [self.kill, self.sabotage, self.hurry]
        threads = [threading.Thread(target=part, daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        for place in range(0, len(self.citizens), PORTION):
            self.keep_step(lambda: self.admitted() > self.killed() + STEP)
            self.stage.admit(self.citizens[place : place + PORTION], self.until - time.monotonic(), THREADS)
            few = slice(place // OBJECTORS, (place + PORTION) // OBJECTORS)
            let_object(self.stage, self.objectors[few], self.until - time.monotonic())
        for thread in threads[:2]:
            thread.join(max(self.until - time.monotonic(), 1))
        self.over.set()
        for thread in threads:
            thread.join(60)
        self.stage.trigger.disarm()
        self.stage.outside.plays.clear()
        self.stage.settle(seconds=300, careful_s=STILL_S)
        found = [*self.missed(), *check(self.stage.ground, self.stage.outside, self.citizens)]
        self.end_objections()
        return [*found, *check_objections(self.stage.ground, self.stage.outside, self.objectors)]

    def end_objections(self) -> None:
        """Companies catch up on what they have and have not reported, until every objection is closed."""

        def over() -> bool:
            for code in COMPANIES:
                if any(row.state == RequestState.ACCEPTED for row in requests_to(self.stage, self.objectors, code)):
                    report(self.stage, code, self.objectors, "done")
            return closed(self.stage, self.objectors)

        self.stage.pass_time(over, seconds=300)
        self.stage.settle(seconds=300)

    def admitted(self) -> float:
        """The part of the citizens who were let in."""
        return sum(bool(citizen.promised) for citizen in self.citizens) / len(self.citizens)

    def killed(self) -> float:
        """The part of the kills that were made."""
        return (self.done["point"] + self.done["anywhere"]) / self.kills if self.kills else 1.0

    def keep_step(self, ahead: Callable[[], bool]) -> None:
        """Wait while this side is ahead of the other: kills among sleepers prove nothing."""
        while ahead() and not self.over.is_set() and time.monotonic() < self.until:
            time.sleep(0.05)

    def missed(self) -> list[str]:
        """Return what was asked for and not done in the time there was."""
        faults = sum(self.done.values()) - self.done["point"] - self.done["anywhere"]
        short = {"kills": self.kills - round(self.killed() * self.kills), "faults": self.faults - faults}
        return [f"short: {count} {what} were not made" for what, count in short.items() if count > 0]

    def kill(self) -> None:
        """SIGKILL, at a named point or anywhere, one process at a time."""
        chance, names = Random(self.seed), points()  # noqa: S311
        while self.killed() < 1 and not self.over.is_set():
            self.keep_step(lambda: self.killed() > self.admitted() + STEP)
            time.sleep(chance.uniform(BREATH_S / 2, BREATH_S * 2))
            if chance.random() < 0.5:
                self._at(chance.sample(names, AT_ONCE), chance.randint(1, 3))
            else:
                self._anywhere(chance.choice(ROLES), chance.random())

    def _at(self, names: Sequence[str], passage: int) -> None:
        """Kill the first process at one of these points; with luck another one before that is noticed."""
        self.stage.trigger.arm(names, passage)
        until = time.monotonic() + 1.0
        while len(self.stage.trigger.waiting()) == len(names) and time.monotonic() < until:
            time.sleep(0.02)
        self.done["point"] += len(names) - len(self.stage.trigger.waiting())
        self.stage.trigger.disarm()

    def _anywhere(self, role: str, which: float) -> None:
        found = self.stage.players(role)
        if found:
            with contextlib.suppress(psutil.Error):
                found[int(which * len(found))].kill()
                self.done["anywhere"] += 1

    def sabotage(self) -> None:
        """Faults of the ground and of the outside, one at a time."""
        chance = Random(self.seed + 1)  # noqa: S311
        for _ in range(self.faults):
            if self.over.wait(chance.uniform(0.2, 2.0)):
                return
            if chance.random() < 0.5:
                fault = chance.choice(FAULTS)
                fault(self.stage)
                self.done[fault.__name__] += 1
            else:
                self._misbehave(chance)

    def _misbehave(self, chance: Random) -> None:
        side = chance.choice((*ENTERPRISES, "china-mobile", "gateway"))
        self.stage.behaviour.set_requests(chance.choice(COMPANIES), chance.choice(("done", "accept", "silent")))
        play = chance.choice((drip, gzip_bomb, html, partial_items, wrong_ids))
        mode = chance.choice(("500", "garbage", "retry", "429"))
        if side == "gateway" or chance.random() < 0.5:
            self.stage.behaviour.set(side, mode)
        else:
            self.stage.outside.plays[side] = play
        self.over.wait(chance.uniform(0.3, 1.5))
        self.stage.behaviour.set(side, "ok")
        self.stage.outside.plays.clear()
        self.done["outside"] += 1

    def hurry(self) -> None:
        """Time runs ahead, so that leases and waits are over in seconds."""
        while not self.over.wait(1.0):
            self.stage.skip(SKIP_S)


def flagged(stage: Theatre) -> int:
    """Return how many replies were sent a second time, flagged."""
    with reading(stage.ground.engine) as db:
        mine = (message.c.lane == Lane.REPLY, message.c.sending == 2)
        return int(db.execute(select(func.count()).where(*mine)).scalar_one())


def main(words: Sequence[str]) -> int:
    """Run it and say what came of it; 1 when anything was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("inquiries", 3000), ("kills", 1000), ("faults", 100), ("minutes", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    asked = parser.parse_args(words)
    print(f"seed {asked.seed}", flush=True)
    for chatty in ("werkzeug", "enterprises.sandbox.callbacks"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # servers and cast are to be taken along
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, theatre(Path(folder)) as stage:
        soak = Soak(stage, asked.seed, asked.inquiries, asked.kills, asked.faults, asked.minutes * 60)
        found = soak.run()
        kinds = Counter(finding.partition(":")[0] for finding in found)
        played = f"{asked.inquiries} inquiries and {len(soak.objectors)} objections"
        print(f"{played} in {time.monotonic() - began:.0f} s; {dict(soak.done)}")
        broken = ", ".join(f"{kind} {kinds[kind]}" for kind in ("lost", "late", "doubled"))
        print(f"{broken}; resent with the flag {flagged(stage)}")
    for finding in found[:20]:
        print(finding)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
