"""Connect the sandbox's CMPP gateway with its phone: apply the mode of `POST /behaviour`, join long messages."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from config.telemetry.log import get_logger
from sms_port.sandbox.cmpp_frames import Part
from sms_port.sandbox.cmpp_gateway import CmppGateway, Guest, Play
from sms_port.sandbox.inbox import Inbox, Text

SIDE = "cmpp"
SLOW_S = 1.0
RESULTS = {"reject": 9, "retry": 8, "429": 8}
REPORTS_NOTHING = ("silent", "no_receipt")
MOST_HALVES = 10_000

log = get_logger(__name__)


class SandboxPlay(Play):
    """Behaviour by the modes of the side `cmpp`."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def judge(self, gateway: CmppGateway, guest: Guest, part: Part) -> int:
        """Return the result by mode: `reject`, `retry`, `429` refuse; `slow` waits; `500` drops the line; `garbage`."""
        mode, seconds = self._behaviour.mode(SIDE)
        if mode == "slow":
            time.sleep(seconds or SLOW_S)
        if mode == "garbage":
            guest.say(b"\xff" * 12)
        if mode in ("500", "garbage"):
            guest.drop()
            raise EOFError
        return RESULTS.get(mode, 0)

    def answer(self, guest: Guest, frame: bytes, part: Part) -> None:
        """Send the response, unless the mode is `silent` or `timeout_after_accept`."""
        if self._behaviour.mode(SIDE)[0] not in ("silent", "timeout_after_accept"):
            guest.say(frame)

    def reports(self, part: Part) -> Sequence[str]:
        """Return the reported states; none when the mode is `silent` or `no_receipt`."""
        return () if self._behaviour.mode(SIDE)[0] in REPORTS_NOTHING else ("DELIVRD",)


class Phones:
    """Collects parts and adds whole messages to the inbox, joined as a phone joins them."""

    def __init__(self, ground: Ground, inbox: Inbox, behaviour: Behaviour) -> None:
        self._ground, self._inbox, self._behaviour = ground, inbox, behaviour
        self._lock = threading.Lock()
        self._halves: OrderedDict[tuple[str, str, int, int], dict[int, Part]] = OrderedDict()

    def arrive(self, msg_id: int, part: Part) -> None:
        """Add a part; with the last part of a message, add the message to the inbox."""
        whole = self._join(part)
        if whole:
            words = "".join(piece.text for piece in whole)
            text = Text(part.phone, part.sender, words, len(whole), self._ground.clock.now())
            self._inbox.receive(f"{msg_id:016x}", text)
            received = self._behaviour.received
            received.note(SIDE, text.received_at, text.to)
            received.note_text(text.to, text.received_at)
            if self._behaviour.mode(SIDE)[0] not in REPORTS_NOTHING:
                received.note(f"{SIDE} receipts", text.received_at)

    def _join(self, part: Part) -> list[Part]:
        if part.joint < 0:
            return [part]
        key = (part.phone, part.sender, part.joint, part.total)
        with self._lock:
            halves = self._halves.setdefault(key, {})
            halves[part.number] = part
            if len(halves) < part.total:
                if len(self._halves) > MOST_HALVES:
                    self._halves.popitem(last=False)
                return []
            del self._halves[key]
        return [halves[number] for number in sorted(halves)]


def listen(ground: Ground, behaviour: Behaviour, inbox: Inbox) -> CmppGateway | None:
    """Listen at the configured address; None, with a log line, when it is in use."""

    def secrets(source: str) -> list[str]:
        links = ground.catalogues.current().links
        mine = [link.code for link in links if link.driver == "cmpp" and link.account == source]
        return [secret for code in mine for secret in ground.secrets.both(f"{code}.key")]

    host, _, port = ground.settings.sandbox_cmpp_bind.rpartition(":")
    try:
        return CmppGateway(
            (host.strip("[]"), int(port)), secrets, Phones(ground, inbox, behaviour).arrive, SandboxPlay(behaviour)
        )
    except OSError as error:
        log.warning("cmpp_not_listening", error=type(error).__name__)
        return None
