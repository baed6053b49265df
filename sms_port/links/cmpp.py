"""The CMPP link: one long-lived connection to a gateway, 3.0 or 2.0.

`cmpp_conversation` speaks, `cmpp_wire` keeps the connection, `cmpp_outbox` remembers, `cmpp_listener` listens; this
file is what the lanes see of it. docs/sms-cmpp-link.md tells an operator how to set it up.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import partial
from secrets import randbelow
from typing import ClassVar
from urllib.parse import urlsplit

from config.catalogue_schema import Link as LinkEntry
from config.clock import shanghai
from config.ground import Ground
from config.log import get_logger
from sms_port.links.cmpp_conversation import Conversation
from sms_port.links.cmpp_events import Account, Answered, Bound, Event, Heard, Lost, Stray, Timers
from sms_port.links.cmpp_frames import V20, V30, Submit
from sms_port.links.cmpp_listener import Delivery, Late, Listener
from sms_port.links.cmpp_outbox import Fate, NoWord, Outbox, Part, Refused, Round, Sending, Taken, Unsent
from sms_port.links.cmpp_wire import Wire
from sms_port.links.cmpp_words import DUPLICATE, THROTTLED, VENDOR, build_contents, is_permanent
from sms_port.links.link import Dispatch, Ears, Ending, NotSent
from sms_port.models import Lane
from sms_port.pace import Pace
from sms_port.reference import extension_of, parse_reference

STRAGGLERS_S = 1.0
"""How long `send` waits for answers before the rest is left to the ears."""

THROTTLED_TRIES = 5
log = get_logger(__name__)


class CmppLink:
    """One account at a gateway that speaks CMPP."""

    can_ask: ClassVar[bool] = False

    def __init__(self, ground: Ground, entry: LinkEntry, pace: Pace, ears: Ears) -> None:
        self._ground, self._entry, self._pace = ground, entry, pace
        self._long = itertools.count(randbelow(256))  # the number that joins the parts of a long message
        self._outbox, self._open = Outbox(), dict.fromkeys(Lane, 0)
        self._listener = Listener(entry.code, entry.port_number, ears, self._acknowledge)
        place = urlsplit(entry.url)
        step_s = min(0.5, entry.read_s / 10)
        self._wire = Wire(self, entry.code, place.hostname or "", place.port or 7890, entry.connect_s, step_s)
        self._wire.start()

    @property
    def status(self) -> str:
        """`up`, or why it is not."""
        return "up" if self._wire.bound.is_set() else self._wire.reason

    def room(self, lane: Lane) -> int:
        """A batch, less what is still open; none without a connection."""
        return max(0, self._entry.batch_size - self._open[lane]) if self._wire.bound.is_set() else 0

    def wait_ready(self, seconds: float) -> bool:
        """Wait for the gateway's welcome."""
        return self._wire.bound.wait(seconds)

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, Ending]:
        """Say every part; what the gateway does not answer within a second is heard of later."""
        if not self._wire.bound.is_set():
            return {dispatch.reference: NotSent("not_connected") for dispatch in batch}
        waiting = Round(len(batch))
        sendings = [self._prepare(dispatch, waiting) for dispatch in batch]
        if not self._wire.call(partial(self._accept, sendings)):
            return {dispatch.reference: NotSent("closed") for dispatch in batch}
        return waiting.wait(STRAGGLERS_S)

    def ask(self, references: Sequence[str]) -> Mapping[str, Ending]:
        """A CMPP gateway cannot be asked by our references."""
        return {}

    def close(self) -> None:
        """Say nothing new, wait two seconds for answers, say goodbye; whoever waits is told."""
        self._wire.call(partial(self._drop, math.inf, "closed"))
        self._wire.close()
        self._drop(math.inf, "closed")
        self._listener.close()

    def _prepare(self, dispatch: Dispatch, waiting: Round) -> Sending:
        entry, (message_id, _) = self._entry, parse_reference(dispatch.reference) or (b"", 0)
        contents = build_contents(dispatch.parts, next(self._long))
        source = dispatch.sender + extension_of(message_id, entry.extension_digits)
        frames = [
            Submit(
                entry.service_id,
                entry.account,
                source,
                dispatch.to,
                content,
                pk_total=len(contents),
                pk_number=number,
                udhi=int(len(contents) > 1),
            )
            for number, content in enumerate(contents, 1)
        ]
        return Sending(dispatch, frames, self._wire.time() + max(1.0, entry.total_s - entry.read_s), waiting)

    # What follows runs in the wire's thread.

    def begin(self, now: float) -> Conversation:
        """A new conversation; the secret is read anew, so that a changed one counts from the next connection on."""
        entry = self._entry
        secret = self._ground.secrets.get(f"{entry.code}.key")
        account = Account(entry.account, secret, V20 if entry.version == "2.0" else V30, entry.peer_check == "strict")
        conversation = Conversation(account, Timers(entry.idle_s, entry.read_s), entry.window)
        conversation.open(now, int(f"{shanghai(self._ground.clock.now()):%m%d%H%M%S}"))
        return conversation

    def hear(self, conversation: Conversation, events: Sequence[Event]) -> None:
        """Note the fates of parts; pass on deliveries."""
        for event in events:
            match event:
                case Answered(part, result, msg_id):
                    self._answered(part, result, f"{msg_id:016x}")
                case Lost(part):
                    self._end(part, NoWord())
                case Heard():
                    self._wire.hold(self._listener.put(Delivery(conversation, event)))
                case Bound(proven):
                    log.info("link_up", link=self._entry.code, proven=proven)
                    self._wire.bound.set()
                case Stray():
                    log.warning("stray_answer", link=self._entry.code)

    def pump(self, conversation: Conversation, now: float) -> None:
        """Say parts while window and pace allow it; give up those that wait too long."""
        self._drop(now, "no_room")
        while (part := self._outbox.first()) and conversation.may_submit(now):
            wait = self._pace.take(1, now)
            if wait:
                self._wire.pump_later(wait)
                return
            self._outbox.pop(part)
            conversation.submit(part, part.frame, now)

    def _accept(self, sendings: Sequence[Sending]) -> None:
        for sending in sendings:
            self._open[sending.dispatch.lane] += 1
            self._outbox.add(sending)
        self._wire.pump_later(0)

    def _drop(self, now: float, code: str) -> None:
        for part in self._outbox.drop(now):
            self._end(part, Unsent(code))

    def _answered(self, part: Part, result: int, msg_id: str) -> None:
        if result == 0:
            self._end(part, Taken(msg_id))
        elif result == THROTTLED:
            self._throttled(part)
        elif result == DUPLICATE:
            self._end(part, NoWord())  # perhaps it was taken the first time
        else:
            permanent = is_permanent(result, self._entry.retryable)
            if permanent:
                log.error("submit_refused", link=self._entry.code, result=result, vendor=result >= VENDOR)
            self._end(part, Refused(str(result), permanent))

    def _throttled(self, part: Part) -> None:
        now = self._wire.time()
        self._pace.halve(now)
        part.sending.tries += 1
        if part.sending.tries <= THROTTLED_TRIES * len(part.sending.frames) and now < part.sending.overdue_at:
            self._outbox.put_back(part)
        else:
            self._end(part, Refused(str(THROTTLED), False))

    def _end(self, part: Part, fate: Fate) -> None:
        sending, before = part.sending, part.sending.ending()
        part.end(fate)
        ending = sending.ending()
        if ending is None:
            return
        if before is None:
            self._open[sending.dispatch.lane] -= 1
            if sending.round.tell(sending.dispatch.reference, ending):
                return
        if type(ending) is not type(before) or before is None:
            self._listener.put(Late(sending.dispatch.reference, ending))

    def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        def say() -> None:
            for delivery in deliveries:
                delivery.conversation.answer(delivery.heard, self._wire.time())
            self._wire.hold(0)
            self._wire.flush()

        self._wire.call(say)
