"""The CMPP link, 3.0 or 2.0: our SUBMITs, and what results, status reports and citizens' texts mean.

docs/sms-cmpp-link.md tells an operator how to set it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from config.telemetry.log import get_logger
from config.times.formats import shanghai
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.cmpp.codes import DUPLICATE, THROTTLED, is_permanent, is_report, parse_report, parse_text
from sms_port.links.cmpp.frames import V20, V30, Deliver, Submit
from sms_port.links.cmpp.protocol import Account, CmppSession
from sms_port.links.gateway_text import parse_number
from sms_port.links.link import Dispatch
from sms_port.links.session.events import Timers
from sms_port.links.session.link import SessionLink
from sms_port.links.session.outbox import NoResponse, PartResult, Refused
from sms_port.segments import build_contents

log = get_logger(__name__)


class CmppLink(SessionLink):
    """One account at a gateway that speaks CMPP."""

    standard_port: ClassVar[int] = 7890

    def open_session(self, now: float) -> CmppSession:
        """Return a session that has sent CONNECT."""
        entry, secret = self._entry, self.choose_secret()
        account = Account(entry.account, secret, V20 if entry.version == "2.0" else V30, entry.peer_check == "strict")
        session = CmppSession(account, Timers(entry.idle_s, entry.read_s), entry.window)
        session.open(now, int(f"{shanghai(self._ground.clock.now()):%m%d%H%M%S}"))
        return session

    def build_frames(self, dispatch: Dispatch, joint: int) -> Sequence[Submit]:
        """Return SUBMITs to one number."""
        entry, source = self._entry, self.sender_of(dispatch)
        contents = build_contents(dispatch.parts, joint)
        return [
            Submit(
                entry.service_id,
                entry.account,
                source,
                dispatch.to,
                content,
                pk_total=len(contents),
                pk_number=number,
                udhi=int(len(contents) > 1),
                valid_time=self.validity_of(dispatch),
            )
            for number, content in enumerate(contents, 1)
        ]

    def judge(self, result: int) -> PartResult | None:
        """Return the result of a refusal; None for flow control, which asks for a slower rate.

        A duplicate sequence may have been taken the first time.
        """
        if result == THROTTLED:
            return None
        return (
            NoResponse() if result == DUPLICATE else Refused(str(result), is_permanent(result, self._entry.retryable))
        )

    def read(self, delivered: Deliver) -> Receipt | Inbound | None:
        """Return a status report of either length, or a citizen's text."""
        return self._receipt(delivered) if is_report(delivered) else self._inbound(delivered)

    def _receipt(self, frame: Deliver) -> Receipt | None:
        report = parse_report(frame.content)
        if report is None:
            log.warning("report_unreadable", link=self._entry.code, size=len(frame.content))
            return None
        delivery = f"{frame.msg_id:x}" if frame.msg_id else ""
        return self.receipt_of(replace(report, delivery=delivery), frame.dest_id)

    def _inbound(self, frame: Deliver) -> Inbound:
        name = f"{frame.msg_id:016x}" if frame.msg_id else ""
        text, segment = parse_text(frame)
        return Inbound(self._entry.code, name, parse_number(frame.src), frame.dest_id, text, segment)
