"""The SMPP 3.4 link, for gateways abroad: our submit_sm, and what statuses, receipts and citizens' texts mean.

On smpplib, which only the extra `onecert[smpp]` installs. docs/sms-smpp-link.md tells an operator how to set it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from config.telemetry.log import get_logger
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Clues, Receipt
from sms_port.links.link import Dispatch
from sms_port.links.session.events import Timers
from sms_port.links.session.link import SessionLink
from sms_port.links.session.outbox import PartResult, Refused
from sms_port.links.smpp.codes import (
    QUEUE_FULL,
    THROTTLED,
    is_permanent,
    is_receipt,
    number_of,
    parse_receipt,
    parse_text,
    status_of,
)
from sms_port.links.smpp.pdus import build_submit
from sms_port.links.smpp.protocol import Account, SmppSession
from sms_port.segments import build_contents

log = get_logger(__name__)


class SmppLink(SessionLink):
    """One account at a gateway that speaks SMPP 3.4."""

    standard_port: ClassVar[int] = 2775

    def begin(self, now: float) -> SmppSession:
        """Say bind_transceiver."""
        entry, secret = self._entry, self._ground.secrets.get(f"{self._entry.code}.key")
        account, timers = Account(entry.account, secret), Timers(entry.idle_s, entry.read_s)
        session = SmppSession(account, timers, entry.window)
        session.open(now)
        return session

    def build_frames(self, dispatch: Dispatch, joint: int) -> Sequence[Any]:
        """A submit_sm for each part."""
        contents, long = build_contents(dispatch.parts, joint), len(dispatch.parts) > 1
        service, sender = self._entry.service_id, self.sender_of(dispatch)
        return [build_submit(service, sender, dispatch.to, content, long=long) for content in contents]

    def judge(self, result: int) -> PartResult | None:
        """A full queue and "throttled" ask for a slower limiter."""
        if result in (THROTTLED, QUEUE_FULL):
            return None
        return Refused(f"{result:#x}", is_permanent(result, self._entry.retryable))

    def read(self, deliver: Any) -> Receipt | Inbound | None:
        """A receipt, or a citizen's text."""
        return self._receipt(deliver) if is_receipt(deliver) else self._inbound(deliver)

    def _receipt(self, pdu: Any) -> Receipt | None:
        report = parse_receipt(pdu)
        if report is None:
            log.warning("report_unreadable", link=self._entry.code)
            return None
        word = status_of(report.stat)
        if word is None:
            return None
        dest = pdu.destination_addr.decode("latin-1")
        trace = Clues(report.phone, dest.removeprefix(self._entry.port_number), report.submitted_at)
        return Receipt(self._entry.code, report.name, 1, word, report.stat, report.done_at, trace)

    def _inbound(self, pdu: Any) -> Inbound:
        to = pdu.destination_addr.decode("latin-1")
        return Inbound(self._entry.code, "", number_of(pdu), to, parse_text(pdu))
