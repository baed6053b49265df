"""One stage for all fault runs: private servers, the cast's real processes, the outside world, and citizens."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pymysql
import requests
from redis import RedisError
from sqlalchemy import Connection, text

from config.db.engine import reading, transact
from config.errors import OneCertError
from config.ground import Ground
from tests.faults.external_services import Outside
from tests.faults.failpoints import ROOT, Trigger
from tests.faults.processes import Offset
from tests.faults.servers import MariaDb, RedisServer
from tests.support.servers import PATIENCE_S, wait_until

TABLES = (
    *("inquiry", "last_inquiry", "next_day_notice", "verification_code", "wave", "question"),
    *("message", "attempt", "receipt"),
    *("objection", "objection_quota", "objection_ending", "request", "watch", "watch_event", "watch_count"),
)
STILL_OPEN = """
    SELECT (SELECT COUNT(*) FROM inquiry WHERE state < 3), (SELECT COUNT(*) FROM wave WHERE stage < 2),
           (SELECT COUNT(*) FROM question WHERE state < 2), (SELECT COUNT(*) FROM message WHERE state < 3)
"""
LEASES = "SELECT COALESCE(SUM(tries), 0), COALESCE(MAX(lost), 0) FROM question WHERE state < 2"
BROKEN = (requests.RequestException, OSError)
LONG_S = 240.0
"""For what takes some seconds, and on a machine with much else to do far longer: only a failure waits so long."""
STILL_S, CAREFUL_S = 0.25, 5.0
"""So long nothing moves before time is skipped; the longer one when that has cost somebody the lease already."""
CODE_S, LONGEST_CODE_S = 2.0, 30.0
"""So long a citizen looks for a code before asking for another; each time longer, up to the second one."""


@dataclass
class Citizen:
    """A person who asks about `phone`. `promised`: references and times of every 202."""

    phone: str
    id_tail: str = "12345X"
    promised: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Signs:
    """By which one sees that something moves, and the most leases that one question has lost."""

    still_open: tuple[int, ...]
    tries: int
    asked: int
    sent: int
    lost: int


class Theatre:
    """Holds everything of a run. `ground` is the test's own look at the database, with the run's clock.

    Without servers of its own it plays on whatever others have started.
    """

    mariadb: MariaDb
    redis: RedisServer

    def __init__(self, directory: Path, environment: Mapping[str, str], ground: Ground, outside: Outside) -> None:
        self.directory, self.environment = directory, environment
        self.ground, self.outside, self.behaviour = ground, outside, outside.behaviour
        self.trigger, self.offset = Trigger(directory / "faults"), Offset(directory / "offset")
        self.log = directory / "cast.log"
        self.cast: subprocess.Popen[str] | None = None

    # The cast

    def raise_curtain(self, workers: int = 2, **settings: str) -> None:
        """Start the cast; returns when a request would be answered."""
        command = [sys.executable, "-m", "tests.faults.processes", str(self.directory), str(workers)]
        with self.log.open("a") as log:
            self.cast = subprocess.Popen(
                command, cwd=ROOT, env={**self.environment, **settings}, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.cast.stdout is not None
        for line in self.cast.stdout:
            if line.strip() == "ready":
                break
        else:
            raise AssertionError(self.log.read_text()[-3000:])
        self._workers, self._listener = workers, threading.Thread(target=self.cast.stdout.read, daemon=True)
        self._listener.start()

    def drop_curtain(self) -> None:
        """Stop the cast."""
        if self.cast is not None:
            self.cast.terminate()
            self.cast.wait(PATIENCE_S)
            assert self.cast.stdout is not None
            self._listener.join()
            self.cast.stdout.close()
            self.cast = None

    def players(self, *roles: str) -> list[psutil.Process]:
        """The running processes of these roles: web, worker, gateway, clock."""
        assert self.cast is not None
        found = []
        for process in psutil.Process(self.cast.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if set(roles) & set(process.cmdline()[1:2]):
                    found.append(process)
        return found

    # Citizens

    def admit(self, citizens: Sequence[Citizen], seconds: float = LONG_S, threads: int = 6) -> None:
        """Have every citizen submit, and again until each was told 202."""
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda citizen: self._admit(citizen, until), citizens))

    def _admit(self, citizen: Citizen, until: float) -> None:
        caller, patience_s = Caller(self), CODE_S
        while not citizen.promised:
            assert time.monotonic() < until, f"{citizen.phone} was not let in"
            with contextlib.suppress(*BROKEN):
                self._try(citizen, caller, until, patience_s)
            patience_s = min(2 * patience_s, LONGEST_CODE_S)
            time.sleep(0.05)

    def _try(self, citizen: Citizen, caller: Caller, until: float, patience_s: float) -> None:
        code = caller.code_for(citizen.phone, patience_s)
        body = {"service": "internet-accounts", "phone": citizen.phone, "id_tail": citizen.id_tail, "consent": True}
        while code and time.monotonic() < until:
            try:
                answer = caller.post(
                    "/inquiries", {**body, "code": code}, {"Idempotency-Key": f"form-{citizen.phone}-{code}"}
                )
            except BROKEN:
                time.sleep(0.05)
                continue  # nobody knows whether it was committed: the same again
            if answer.status_code == 202:
                citizen.promised.append(answer.json())
            if answer.status_code == 503:
                time.sleep(0.2)
                continue
            assert answer.status_code in (202, 422, 429), answer.text
            return

    # Time

    def skip(self, seconds: float) -> None:
        """Let so much time pass at once: for every process, and for the turns, which Redis ends by its own time."""
        self.offset.ms += int(seconds * 1000)
        with contextlib.suppress(RedisError):
            for turns in self.ground.redis.scan_iter("partner:*:turns"):
                token: Any
                for token in self.ground.redis.zrange(turns, 0, -1):
                    self.ground.redis.zincrby(turns, -seconds * 1000, token)

    def still_open(self) -> tuple[int, ...]:
        """Inquiries, waves, questions and messages that are not done."""
        with reading(self.ground.engine) as db:
            return tuple(db.execute(text(STILL_OPEN)).one())

    def settle(self, **pace: float) -> int:
        """Wait until nothing is open, while time passes as in `pass_time`; returns the ms that were skipped."""
        return self.pass_time(lambda: self.still_open() == (0, 0, 0, 0), **pace)

    def pass_time(
        self,
        done: Callable[[], bool],
        *,
        step_s: float = 30,
        pause_s: float = STILL_S,
        careful_s: float = CAREFUL_S,
        seconds: float = LONG_S,
    ) -> int:
        """Wait until `done`, skipping `step_s` whenever nothing moved for `pause_s`; returns the ms that were skipped.

        A lease runs out when its holder is dead, and also when time is skipped while the holder is only slow. Whoever
        loses three is taken for poison; so there is more patience, `careful_s`, after one was lost.
        """
        began, until = self.offset.ms, time.monotonic() + seconds
        seen, since = None, time.monotonic()
        while True:
            with contextlib.suppress(OneCertError, pymysql.MySQLError):
                if done():
                    return self.offset.ms - began
                before, seen = seen, self._signs()
                if seen != before:
                    since = time.monotonic()
                elif time.monotonic() - since > (careful_s if seen.lost else pause_s):
                    self.skip(step_s)
                    since = time.monotonic()
            assert time.monotonic() < until, f"still open (inquiries, waves, questions, messages): {seen}"
            time.sleep(0.1)

    def _signs(self) -> Signs:
        with reading(self.ground.engine) as db:
            tries, lost = db.execute(text(LEASES)).one()
        asked = len(self.outside.asked) + len(self.outside.requested)
        return Signs(self.still_open(), int(tries), asked, len(self.outside.sent), int(lost))

    def calm(self) -> None:
        """Take back whatever a run has armed, frozen or had a side play."""
        self.trigger.disarm()
        self.outside.plays.clear()
        for side in ("gateway", *(partner.code for partner in self.ground.catalogues.current().partners)):
            self.behaviour.set(side, "ok")
        for player in self.players("web", "worker", "gateway", "clock"):
            with contextlib.suppress(psutil.Error):  # it may be dying of what was armed
                player.resume()

    def forget(self) -> None:
        """Empty the stage for the next run; the cast goes on, and who died in the last one is back."""
        self.calm()
        wait_until(lambda: len(self.players("worker", "gateway", "clock")) == self._workers + 2)

        def empty(db: Connection) -> None:
            for table in TABLES:
                db.execute(text(f"DELETE FROM {table}"))  # noqa: S608

        transact(self.ground.engine, empty)
        self.redis.client().flushall()
        self.outside.forget()


class Caller:
    """A citizen's browser: a session, and words that survive a server which does not."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre, self._url = theatre, theatre.ground.settings.public_url
        self._http = requests.Session()
        self._http.trust_env = False

    def post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> requests.Response:
        """One call of the API."""
        return self._http.post(f"{self._url}/api/v1{path}", json=body, headers=headers, timeout=(5, 20))

    def code_for(self, phone: str, patience_s: float = PATIENCE_S, service: str = "internet-accounts") -> str | None:
        """A fresh code from the phone; None when none came."""
        if "Authorization" not in self._http.headers:
            answer = self.post("/sessions", {"entrance": "web"})
            if answer.status_code != 201:
                return None
            self._http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        before = len(self._codes(phone))
        if self.post("/verification-codes", {"service": service, "phone": phone}).status_code != 202:
            return None
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            if len(found := self._codes(phone)) > before:
                return found[-1]
            time.sleep(0.03)
        return None

    def _codes(self, phone: str) -> list[str]:
        sent = [one.text for one in list(self._theatre.outside.sent) if one.phone == phone and one.status == "accepted"]
        return [found[1] for words in sent if (found := re.search(r"验证码(\d{6})", words))]
