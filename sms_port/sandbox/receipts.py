"""Send signed receipts of the sandbox's gateway, a moment after a message was received."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex

from config.crypto.http_signatures import sign
from config.errors import ConfigError
from config.ground import Ground
from config.telemetry.log import get_logger
from config.times.formats import rfc3339
from sms_port.ledger.states import grouped

REPORTED_AT_ONCE = 500
MOST_WAITING = 50_000

log = get_logger(__name__)


@dataclass(frozen=True)
class Report:
    """One part of a message that has arrived."""

    link: str
    reference: str
    part: int
    done_at: int


class Reporter:
    """Delivers reports in a thread of its own, which starts with the first report and ends with `close`.

    Reports are delivered together, `after_s` after the first of them; after a failure again, with these pauses.
    """

    after_s = 1.0
    retries_s: Sequence[float] = (1.0, 5.0, 30.0)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._waiting: queue.Queue[Report | None] = queue.Queue(MOST_WAITING)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def close(self) -> None:
        """Stop delivering; return when the call under way, if any, has ended."""
        self._over.set()
        with self._start, suppress(queue.Full):
            self._waiting.put_nowait(None)
        if self._thread is not None:
            self._thread.join()

    def report(self, report: Report) -> None:
        """Queue a report; never blocks. Reports are dropped when the queue is full."""
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(report)
        except queue.Full:
            log.warning("receipt_dropped", link=report.link)

    def _run(self) -> None:
        while first := self._waiting.get():
            reports = [first]
            if self._over.wait(self.after_s):
                return
            while len(reports) < REPORTED_AT_ONCE and not self._waiting.empty():
                if following := self._waiting.get_nowait():
                    reports.append(following)
            for link, several in grouped((report.link, report) for report in reports).items():
                self._deliver(link, several)

    def _deliver(self, link: str, reports: Sequence[Report]) -> None:
        for pause in (*self.retries_s, None):
            try:
                if self._post(link, "receipts", build_receipts(reports)) < 500:
                    return
            except ConfigError:
                pass
            if pause is not None and self._over.wait(pause):
                return
        log.warning("receipts_not_taken", link=link, receipts=len(reports))

    def pass_on(self, link: str, phone: str, to: str, text: str) -> None:
        """Deliver a citizen's text now, once."""
        item = {"id": token_hex(8), "from": phone, "to": to, "text": text}
        body = json.dumps({"messages": [item]}, ensure_ascii=False).encode()
        try:
            self._post(link, "inbound", body)
        except ConfigError as error:
            log.warning("text_not_taken", link=link, code=error.code)

    def _post(self, link: str, what: str, body: bytes) -> int:
        ground, entry = self._ground, self._ground.catalogues.current().link(link)
        if entry is None:
            return 0
        url = f"{ground.settings.public_url}/sms/{link}/{what}"
        headers = sign(
            "POST",
            url,
            body,
            content_type="application/json",
            key_id=entry.key_id,
            secret=ground.secrets.get(f"{link}.key"),
            algorithm=entry.algorithm,
            now=ground.clock.now(),
        )
        return ground.http.post(url, body, headers).status


def build_receipts(reports: Sequence[Report]) -> bytes:
    """Return the body of `POST /sms/<link>/receipts`: every part delivered."""
    return json.dumps(
        {
            "receipts": [
                {
                    "id": report.reference,
                    "part": report.part,
                    "status": "delivered",
                    "code": "DELIVRD",
                    "done_at": rfc3339(report.done_at),
                }
                for report in reports
            ]
        }
    ).encode()
