"""One stage for all fault runs: private servers, the cast's real processes, the outside world, and citizens."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pymysql
import requests
from redis import RedisError
from sqlalchemy import text

from config.db import begin, reading
from config.errors import OneCertError
from config.ground import Ground
from query.schema import upgrade
from tests.factories import prepare
from tests.faults.cast import Offset, ground_in
from tests.faults.outside import Outside
from tests.faults.points import ROOT, Trigger
from tests.faults.servers import MariaDb, RedisServer
from tests.instances import clean_environment
from tests.servers import free_port, serve

MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
TABLES = ("inquiry", "last_inquiry", "verification_code", "wave", "question", "message", "attempt", "receipt")
STILL_OPEN = """
    SELECT (SELECT COUNT(*) FROM inquiry WHERE state < 3), (SELECT COUNT(*) FROM wave WHERE stage < 2),
           (SELECT COUNT(*) FROM question WHERE state < 2), (SELECT COUNT(*) FROM message WHERE state < 3)
"""
BROKEN = (requests.RequestException, OSError)


@dataclass
class Citizen:
    """Who asks about `phone`, and what was promised: references and times of every 202."""

    phone: str
    id_tail: str = "12345X"
    promised: list[dict[str, Any]] = field(default_factory=list)


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
        command = [sys.executable, "-m", "tests.faults.cast", str(self.directory), str(workers)]
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
        threading.Thread(target=self.cast.stdout.read, daemon=True).start()

    def drop_curtain(self) -> None:
        """Stop the cast."""
        if self.cast is not None:
            self.cast.terminate()
            self.cast.wait(15)
            assert self.cast.stdout is not None
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

    def admit(self, citizens: Sequence[Citizen], seconds: float = 90, threads: int = 6) -> None:
        """Have every citizen submit, and again until each was told 202."""
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda citizen: self._admit(citizen, until), citizens))

    def _admit(self, citizen: Citizen, until: float) -> None:
        caller = Caller(self)
        while not citizen.promised:
            assert time.monotonic() < until, f"{citizen.phone} was not let in"
            with contextlib.suppress(*BROKEN):
                self._try(citizen, caller, until)
            time.sleep(0.05)

    def _try(self, citizen: Citizen, caller: Caller, until: float) -> None:
        code = caller.code_for(citizen.phone)
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
                for token in self.ground.redis.zrange(turns, 0, -1):
                    self.ground.redis.zincrby(turns, -seconds * 1000, token)

    def still_open(self) -> tuple[int, ...]:
        """Inquiries, waves, questions and messages that are not done."""
        with reading(self.ground.engine) as db:
            return tuple(db.execute(text(STILL_OPEN)).one())

    def settle(self, seconds: float = 60, step_s: float = 30, pause_s: float = 0.25) -> int:
        """Wait until nothing is open, skipping `step_s` whenever nothing moves; returns the ms that were skipped."""
        began, until, last = self.offset.ms, time.monotonic() + seconds, (-1,)
        while True:
            try:
                now_open = self.still_open()
            except (OneCertError, pymysql.MySQLError):
                now_open = last
            if now_open == (0, 0, 0, 0):
                return self.offset.ms - began
            assert time.monotonic() < until, f"still open (inquiries, waves, questions, messages): {now_open}"
            if now_open == last:
                self.skip(step_s)
            last = now_open
            time.sleep(pause_s)

    def calm(self) -> None:
        """Take back whatever a run has armed, frozen or had a side play."""
        self.trigger.disarm()
        self.outside.plays.clear()
        for side in ("gateway", *(partner.code for partner in self.ground.catalogues.current().partners)):
            self.behaviour.set(side, "ok")
        for player in self.players("web", "worker", "gateway", "clock"):
            player.resume()

    def forget(self) -> None:
        """Empty the stage for the next run; the cast goes on."""
        self.calm()
        with begin(self.ground.engine) as db:
            for table in TABLES:
                db.execute(text(f"DELETE FROM {table}"))  # noqa: S608
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
        return self._http.post(f"{self._url}/api/v1{path}", json=body, headers=headers, timeout=(1, 20))

    def code_for(self, phone: str, patience_s: float = 2) -> str | None:
        """A fresh code from the phone; None when none came."""
        if "Authorization" not in self._http.headers:
            answer = self.post("/sessions", {"entrance": "web"})
            if answer.status_code != 201:
                return None
            self._http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        before = len(self._codes(phone))
        if self.post("/verification-codes", {"service": "internet-accounts", "phone": phone}).status_code != 202:
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


def eager(document: str) -> str:
    """The default catalogue with short calls and without limits that only real time would lift."""
    document = re.sub(
        r"(?m)^connect_s = 3\nread_s = 10\ntotal_s = 15", "connect_s = 1\nread_s = 1.5\ntotal_s = 2", document
    )
    limits = {"code_per_phone_gap_s": 1, "codes_per_phone_day": 1000, "codes_per_session_day": 100_000}
    limits |= {"codes_per_address_hour": 1_000_000, "submissions_per_session_hour": 100_000}
    limits |= {"submissions_per_address_hour": 1_000_000, "sessions_per_address_hour": 1_000_000}
    for name, value in limits.items():
        document = re.sub(rf"(?m)^{name} = \d+", f"{name} = {value}", document)
    return document


def environment_of(directory: Path, mariadb: MariaDb, redis: RedisServer) -> dict[str, str]:
    """What the cast's processes read as their settings."""
    bind = f"127.0.0.1:{free_port()}"
    return clean_environment(
        directory,
        ONECERT_DATABASE_URL=mariadb.url,
        ONECERT_REDIS_URL=redis.url,
        ONECERT_MASTER_KEY=MASTER_KEY,
        ONECERT_BIND=bind,
        ONECERT_METRICS_BIND=f"127.0.0.1:{free_port()}",
        ONECERT_PUBLIC_URL=f"http://{bind}",
        ONECERT_LOG_LEVEL="warning",
    )


@contextlib.contextmanager
def servers(directory: Path) -> Iterator[tuple[MariaDb, RedisServer]]:
    """Both servers, started; killed at the end, whatever state they are in."""
    mariadb, redis = MariaDb(directory), RedisServer(directory)
    try:
        mariadb.start()
        mariadb.create()
        redis.start()
        yield mariadb, redis
    finally:
        for server in (redis, mariadb):
            server.thaw()
            server.kill()


@contextlib.contextmanager
def theatre(directory: Path, workers: int = 2) -> Iterator[Theatre]:
    """Everything, started; and gone at the end."""
    with servers(directory) as (mariadb, redis):
        environment = environment_of(directory, mariadb, redis)
        ground = ground_in(directory, environment)
        upgrade(ground.engine)
        outside = Outside(ground)
        with serve(outside) as url:
            prepare(ground, url)
            with begin(ground.engine) as db:
                ground.catalogues.apply(db, eager(ground.catalogues.document()), "faults", "test", ground.clock.now())
            found = Theatre(directory, environment, ground, outside)
            found.mariadb, found.redis = mariadb, redis
            try:
                found.raise_curtain(workers)
                yield found
                found.drop_curtain()
            finally:
                if found.cast is not None:
                    found.cast.kill()
