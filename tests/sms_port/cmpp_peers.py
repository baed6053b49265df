"""A CMPP gateway on loopback that plays what a test wants, and events that remember what a link heard."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from config.catalogue.links import Link as LinkEntry
from config.ground import Ground
from sms_port.errors import SmsError
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.cmpp.link import CmppLink
from sms_port.links.link import Dispatch, SendResult
from sms_port.links.rate_limit import RateLimiter
from sms_port.message_reference import build_reference
from sms_port.models import Lane
from sms_port.sandbox.cmpp_frames import Part
from sms_port.sandbox.cmpp_gateway import CmppGateway, Guest, Play
from sms_port.segments import compose_parts
from sms_port.sending.gateway import Gateway
from tests.sms_port.messages import PHONE, change_catalogue
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import wait_until

SIGNATURE = "【一证通查】"
LONG = SIGNATURE + "长" * 100
silent = pytest.mark.parametrize("read_s", [1])
"""A gateway that answers nothing is waited for no longer than that."""


def make_dispatch(text: str = "您好", lane: Lane = Lane.REPLY, phone: str = PHONE) -> Dispatch:
    """A message of its own reference, in as many parts as it takes."""
    reference = build_reference(secrets.token_bytes(16), 1)
    return Dispatch(reference, "10699000", phone, compose_parts(text, SIGNATURE, "ours"), LAUNCH_DAY, lane)


def one(link: CmppLink, dispatch: Dispatch) -> object:
    """Send it; its result, or None when that is heard of later."""
    return link.send([dispatch]).get(dispatch.reference)


@dataclass
class RecordedEvents:
    """LinkEvents that write down; `broken` makes them unable to."""

    late: dict[str, SendResult] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    texts: list[Inbound] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    broken: bool = False

    def on_submit(self, reference: str) -> None:
        self.submitted.append(reference)

    def on_late_results(self, link: str, results: Mapping[str, SendResult]) -> None:
        self.late |= results

    def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        if self.broken:
            raise SmsError("not now")
        self.receipts += receipts

    def on_texts(self, texts: Sequence[Inbound]) -> None:
        self.texts += texts


class Faulty(Play):
    """Everything well, but for what a test sets."""

    report_after_s = 0.01

    def __init__(self, **options: object) -> None:
        self.judged: Callable[[CmppGateway, Guest, Part], int] = lambda gateway, guest, part: 0
        self.stats: Sequence[str] = ("DELIVRD",)
        self.silent = False
        self.wrong_proof = False
        for name, value in options.items():
            setattr(self, name, value)

    def prove(self, frame: bytes) -> bytes:
        return frame[:16] + bytes(16) + frame[32:] if self.wrong_proof else frame

    def judge(self, gateway: CmppGateway, guest: Guest, part: Part) -> int:
        return self.judged(gateway, guest, part)

    def answer(self, guest: Guest, frame: bytes, part: Part) -> None:
        if not self.silent:
            guest.say(frame)

    def reports(self, part: Part) -> Sequence[str]:
        return self.stats


@dataclass
class Peer:
    """A running gateway and the parts it has taken."""

    gateway: CmppGateway
    play: Faulty
    parts: list[Part] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def texts(self) -> list[str]:
        with self.lock:
            return [part.text for part in self.parts]

    def guest(self) -> Guest:
        """The one who is connected; it is let in a moment before the gateway notes it."""
        wait_until(self.gateway.guests)
        (guest,) = self.gateway.guests()
        return guest

    def wait_for_another(self, link: CmppLink, than: Guest) -> None:
        """Wait until the link has left this connection and has the next one."""
        wait_until(lambda: self.gateway.guests() not in ([], [than]))
        wait_until(lambda: link.room(Lane.REPLY) > 0)


@contextlib.contextmanager
def run_peer(secret: str, play: Faulty | None = None, port: int = 0) -> Iterator[Peer]:
    """A gateway that lets the account 900001 in with this secret."""
    play = play or Faulty()
    parts: list[Part] = []
    gateway = CmppGateway(
        ("127.0.0.1", port),
        lambda source: [secret] if source == "900001" else [],
        lambda msg_id, part: parts.append(part),
        play,
    )
    try:
        yield Peer(gateway, play, parts)
    finally:
        gateway.close()


def use_cmpp(ground: Ground, port: int, **more: object) -> LinkEntry:
    """Send over CMPP to that port from now on: one change of the catalogue."""
    document = ground.catalogues.document()
    head, main, cmpp = document.split("[[links]]")
    cmpp = cmpp.replace("enabled = false", "enabled = true", 1)
    for name, value in {"read_s": 60, "total_s": 75, "connect_s": 30, **more}.items():
        line = next((line for line in cmpp.splitlines() if line.startswith(f"{name} = ")), None)
        wanted = f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
        cmpp = cmpp.replace(line, wanted, 1) if line else cmpp.replace("enabled = true", f"enabled = true\n{wanted}", 1)
    changed = "[[links]]".join((head, main.replace("enabled = true", "enabled = false", 1), cmpp))
    old = next(line for line in document.splitlines() if line.startswith("sandbox-cmpp = "))
    change_catalogue(ground, (document, changed.replace(old, f'sandbox-cmpp = "cmpp://127.0.0.1:{port}"')))
    entry = ground.catalogues.current().link("cmpp")
    assert entry is not None
    return entry


@contextlib.contextmanager
def open_link(ground: Ground, entry: LinkEntry, recorded: RecordedEvents, *, ready: bool = True) -> Iterator[CmppLink]:
    """The link of an entry, connected unless `ready` is False."""
    link = CmppLink(ground, entry, RateLimiter(entry.parts_per_second), recorded)
    try:
        assert not ready or link.wait_ready(90)
        yield link
    finally:
        link.close()


def work(gateway: Gateway) -> None:
    """Do all that is due."""
    for step in gateway.steps().values():
        while step():
            pass
