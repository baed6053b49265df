"""The sending process: owed messages go out through links, doubts are asked about.

Three loops in threads of their own: codes, replies, and doubts. So a gateway that is slow with replies never delays a
code. Of several such processes one sends and the others stand by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from config.catalogue.links import Link as LinkEntry
from config.errors import OneCertError
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from sms_port.ledger.inbound import OnText, not_understood
from sms_port.ledger.states import OnOutcome, grouped
from sms_port.links.drivers import TELLS_SUBMIT
from sms_port.links.link import NotSent, SendResult, Unknown
from sms_port.models import Lane
from sms_port.sending.claims import Attempt, Claimed, claim, claim_doubts, return_never_sent
from sms_port.sending.leader_lease import RENEW_S, LeaderLease
from sms_port.sending.link_pool import LinkPool
from sms_port.sending.results import Results
from sms_port.sending.routing import Cooldown, batch_limit, routes_for
from sms_port.sending.sent_marks import SentMarks, read_never_sent

ASKED_AT_ONCE = 500
WAIT_S = 1.0
READY_S = 5.0
DOUBTS = "doubts"
MARKS_FILE = "gateway-sent-marks"

log = get_logger(__name__)


class Step(Protocol):
    """Work off one batch; returns the number of its messages."""

    def __call__(self, *, rung: bool = False) -> int:
        """`rung`: the bell says that something is due."""
        ...


class Gateway:
    """State shared by the loops: the open links, their health, and results that wait for the database."""

    def __init__(
        self,
        ground: Ground,
        on_outcome: OnOutcome,
        on_text: OnText = not_understood,
        results: Results | None = None,
        marks: SentMarks | None = None,
    ) -> None:
        self._ground = ground
        self._on_outcome = on_outcome
        self._cooldown = Cooldown()
        self._results = results or Results(ground, on_outcome)
        self.pool = LinkPool(ground, on_outcome, on_text, self._results, marks)

    def steps(self) -> dict[str, Step]:
        """Return the steps, the most urgent first: codes, replies, doubts. Each returns 0 when nothing is due."""
        return {**{lane.bell: partial(self.send, lane) for lane in Lane}, DOUBTS: self.ask}

    def send(self, lane: Lane, *, rung: bool = False) -> int:
        """Claim and send one batch of a lane; returns the number of its messages, 0 when nothing is due.

        `rung`: something most likely is due, and is claimed without looking first.
        """
        now = self._ground.clock.now()
        capacity = self.pool.capacity(lane)
        routes = routes_for(self._ground.catalogues.current(), lane, self._cooldown, now, capacity)
        limit = batch_limit(routes, self._cooldown, now, capacity)
        claims = claim(self._ground, self._on_outcome, lane, routes, limit, sure=rung)
        if claims:
            failpoint("send.after_claim")
        entries = {entry.code: entry for entry in routes.usable}
        for code, members in grouped((claimed.attempt.link, claimed) for claimed in claims).items():
            self._offer(entries[code], members)
        return len(claims)

    def ask(self, *, rung: bool = False) -> int:
        """Ask links about messages whose outcome is unknown; returns the number of messages asked about."""
        self._results.retry()
        self.pool.close_removed()
        entries = self.pool.askable()
        doubts = claim_doubts(self._ground, list(entries), ASKED_AT_ONCE)
        for code, members in grouped((claimed.attempt.link, claimed) for claimed in doubts).items():
            results = self.pool.link(entries[code]).ask([claimed.doubt for claimed in members])
            self._record(code, [claimed.attempt for claimed in members], results, asked=True)
        return len(doubts)

    def _offer(self, entry: LinkEntry, claims: Sequence[Claimed]) -> None:
        if self._ground.clock.now() + entry.total_s * 1000 > min(claimed.until for claimed in claims):
            # The lease may have ended meanwhile, and the message been resent: the sweep takes care of it.
            log.warning("lease_too_short", link=entry.code, messages=len(claims))
            return
        attempts = [claimed.attempt for claimed in claims]
        self.pool.expect(attempts, marked=entry.driver in TELLS_SUBMIT)
        results = self.pool.link(entry).send([claimed.dispatch for claimed in claims])
        if results:
            answered = any(not isinstance(result, NotSent | Unknown) for result in results.values())
            self._cooldown.note(entry.code, answered, self._ground.clock.now())
        self._record(entry.code, attempts, results, asked=False)
        self.pool.forget_settled(results)

    def _record(self, link: str, offers: Sequence[Attempt], results: Mapping[str, SendResult], *, asked: bool) -> None:
        self._results.record(offers, results, asked=asked)
        failpoint("send.after_record")
        for result, several in grouped((result, None) for result in results.values()).items():
            kind = type(result).__name__
            log.info("messages_offered", link=link, result=kind, code=result.code, messages=len(several), asked=asked)


def send_due(ground: Ground, on_outcome: OnOutcome) -> int:
    """Send every due message of both lanes once, codes first, then ask about doubts. Returns the number of messages."""
    gateway = Gateway(ground, on_outcome)
    total = 0
    try:
        gateway.pool.wait_ready(READY_S)
        for step in gateway.steps().values():
            while count := step():
                total += count
    finally:
        gateway.pool.close()
    return total


def run(ground: Ground, on_outcome: OnOutcome, stop: threading.Event, on_text: OnText = not_understood) -> None:
    """Send until `stop` is set, then finish what is under way. Raises what broke a loop.

    While another process leads, this one stands by. Results that the database could not take outlive the lease.
    """
    lease, results = LeaderLease(ground), Results(ground, on_outcome)
    while lease.wait(stop, meanwhile=results.retry):
        try:
            marks = _take_over(ground)
            _lead(Gateway(ground, on_outcome, on_text, results, marks), ground, stop, lease)
            marks.close()
        finally:
            results.retry()
            lease.give_back()


def _take_over(ground: Ground) -> SentMarks:
    """Send at once what a killed process of this host claimed and never sent; begin marks of our own."""
    path = ground.settings.data / MARKS_FILE
    if count := return_never_sent(ground, read_never_sent(path)):
        log.info("claims_returned", messages=count)
    return SentMarks(path)


def _lead(gateway: Gateway, ground: Ground, stop: threading.Event, lease: LeaderLease) -> None:
    over = threading.Event()
    steps = gateway.steps()
    bells = {name: threading.Event() for name in steps}
    try:
        with ThreadPoolExecutor(len(steps), thread_name_prefix="gateway") as pool:
            loops = [pool.submit(_repeat, step, bells[name], over) for name, step in steps.items()]
            renew_at = 0.0
            while not stop.is_set() and not any(loop.done() for loop in loops) and lease.leads:
                rung = ground.bell.wait_for_gateway(WAIT_S, [lane.bell for lane in Lane])
                if time.monotonic() >= renew_at:
                    renew_at = time.monotonic() + RENEW_S
                    lease.hold()
                    _try(gateway.pool.record_health)
                for name, bell in bells.items():
                    if rung in (name, ""):
                        bell.set()
            over.set()
            _set_all(bells.values())
    finally:
        gateway.pool.close()
    for loop in loops:
        loop.result()


def _set_all(events: Iterable[threading.Event]) -> None:
    for event in events:
        event.set()


def _repeat(step: Step, bell: threading.Event, over: threading.Event) -> None:
    while not over.is_set():
        rung = bell.wait(WAIT_S)
        bell.clear()
        try:
            # A claim skips rows that another lane's claim has locked in passing: look for them once more.
            while not over.is_set() and (step(rung=rung) or rung):
                rung = False
        except OneCertError as error:
            log.warning("gateway_waits", code=error.code, reason=error.detail)
            over.wait(WAIT_S)


def _try(act: Callable[[], None]) -> None:
    try:
        act()
    except OneCertError as error:
        log.warning("gateway_waits", code=error.code, reason=error.detail)
