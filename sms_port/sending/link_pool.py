"""The open links of the sending process, and the events that they raise by themselves.

Links follow the catalogue: a new or changed entry is opened, one that is gone or switched off is closed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from config.catalogue.links import Link as LinkEntry
from config.db.engine import transact, upsert
from config.ground import Ground
from sms_port.ledger.inbound import Inbound, OnText, not_understood, record_texts
from sms_port.ledger.receipts import Receipt, record_receipts
from sms_port.ledger.states import OnOutcome
from sms_port.links.drivers import CAN_ASK, open_link
from sms_port.links.link import Link, SendResult, Unknown
from sms_port.links.rate_limit import RateLimiter
from sms_port.models import Lane, link_health
from sms_port.sending.claims import Attempt
from sms_port.sending.leader_lease import process_name
from sms_port.sending.results import Results
from sms_port.sending.sent_marks import SentMarks

REMEMBERED = 20_000
"""Attempts under way, or in doubt, whose response may come late."""


class LinkPool:
    """Opens and closes links; stores their late results, receipts and texts. Safe to share between threads.

    `marks`: where it is noted that a message leaves.
    """

    def __init__(
        self,
        ground: Ground,
        on_outcome: OnOutcome,
        on_text: OnText = not_understood,
        results: Results | None = None,
        marks: SentMarks | None = None,
    ) -> None:
        self._ground, self._on_outcome, self._on_text = ground, on_outcome, on_text
        self._results = results or Results(ground, on_outcome)
        self._marks = marks
        self._lock = threading.Lock()
        self._links: dict[LinkEntry, Link] = {}
        self._limiters: dict[str, RateLimiter] = {}
        self._under_way: OrderedDict[str, Attempt] = OrderedDict()

    def link(self, entry: LinkEntry) -> Link:
        """Return the link of an entry, opened now if it is not."""
        with self._lock:
            if entry not in self._links:
                self._links[entry] = open_link(self._ground, entry, self._limiter(entry), self)
            return self._links[entry]

    def capacity(self, lane: Lane) -> dict[str, int]:
        """Return the number of messages of a lane that each enabled link takes now, by code."""
        entries = [entry for entry in self._ground.catalogues.current().links if entry.enabled]
        serving = [entry for entry in entries if lane.name.lower() in entry.lanes]
        return {entry.code: min(self.link(entry).room(lane), self._second(entry)) for entry in serving}

    def askable(self) -> dict[str, LinkEntry]:
        """Return the links that can be asked about messages, by code."""
        return {entry.code: entry for entry in self._ground.catalogues.current().links if entry.driver in CAN_ASK}

    def wait_ready(self, seconds: float) -> None:
        """Wait until every enabled link is connected, at most this many seconds in all."""
        deadline = time.monotonic() + seconds
        for entry in self._ground.catalogues.current().links:
            if entry.enabled:
                self.link(entry).wait_ready(max(0.0, deadline - time.monotonic()))

    def close_removed(self) -> None:
        """Close links that the catalogue no longer has as they are."""
        wanted = set(self._ground.catalogues.current().links)
        with self._lock:
            kept = {entry for entry in wanted if entry.enabled or entry.driver in CAN_ASK}
            gone = [entry for entry in self._links if entry not in kept]
            links = [self._links.pop(entry) for entry in gone]
        for link in links:
            link.close()

    def close(self) -> None:
        """Close every link; call when nothing is sent any more."""
        with self._lock:
            links, self._links = list(self._links.values()), {}
        for link in links:
            link.close()

    def record_health(self) -> None:
        """Store the status of each link, for `onecert message links`."""
        now, process = self._ground.clock.now(), process_name()
        with self._lock:
            links = list(self._links.items())
        rows = [
            {
                "link": entry.code,
                "status": link.status[:32],
                "rate": int(self._limiters[entry.code].rate(time.monotonic())),
                "process": process,
                "seen_at": now,
            }
            for entry, link in links
            if entry.enabled
        ]
        columns = ["status", "rate", "process", "seen_at"]
        if rows:
            transact(
                self._ground.engine,
                lambda db: db.execute(upsert(link_health, db.dialect.name, update=columns), rows),
            )

    def expect(self, attempts: Sequence[Attempt], *, marked: bool = False) -> None:
        """Remember attempts that are about to be made, so that late results find them.

        `marked`: their link calls `on_submit`, so that those which never left can be told after a kill.
        """
        if self._marks is not None and marked:
            self._marks.claim((attempt.reference, attempt.number) for attempt in attempts)
        with self._lock:
            self._under_way |= {attempt.reference: attempt for attempt in attempts}
            while len(self._under_way) > REMEMBERED:
                self._under_way.popitem(last=False)

    def forget_settled(self, results: Mapping[str, SendResult]) -> None:
        """Forget attempts whose result is recorded; an unclear one may still become clear."""
        if self._marks is not None:
            self._marks.release(results)
        with self._lock:
            for reference, result in results.items():
                if not isinstance(result, Unknown):
                    self._under_way.pop(reference, None)

    def on_submit(self, reference: str) -> None:
        """Mark a message as perhaps sent."""
        if self._marks is not None:
            self._marks.mark_sent(reference)

    def on_late_results(self, link: str, results: Mapping[str, SendResult]) -> None:
        """Record results that `send` did not wait for."""
        with self._lock:
            attempts = [self._under_way[reference] for reference in results if reference in self._under_way]
        self._results.record(attempts, results, asked=False)
        self.forget_settled(results)

    def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Record the network's receipts."""
        record_receipts(self._ground, self._on_outcome, receipts)

    def on_texts(self, texts: Sequence[Inbound]) -> None:
        """Record what citizens wrote."""
        record_texts(self._ground, texts, self._on_text)

    def _second(self, entry: LinkEntry) -> int:
        """Return the parts of one second: no more is claimed, so that no lease ends while a message waits."""
        return max(1, int(self._limiter(entry).rate(time.monotonic())))

    def _limiter(self, entry: LinkEntry) -> RateLimiter:
        limiter = self._limiters.get(entry.code)
        if limiter is None or limiter.limit != entry.parts_per_second:
            limiter = self._limiters[entry.code] = RateLimiter(entry.parts_per_second)
        return limiter
