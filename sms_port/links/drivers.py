"""Which driver a link of the catalogue gets. Those on an optional library are loaded only where a link wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import cast

from config.catalogue.links import Link as LinkEntry
from config.ground import Ground
from config.telemetry.log import get_logger
from sms_port.links.link import Dispatch, InDoubt, Link, LinkEvents, NotSent, SendResult
from sms_port.links.rate_limit import RateLimiter
from sms_port.models import Lane

DRIVERS = {
    "http": ("sms_port.links.http.link", "HttpLink"),
    "cmpp": ("sms_port.links.cmpp.link", "CmppLink"),
    "smpp": ("sms_port.links.smpp.link", "SmppLink"),
    "aliyun": ("sms_port.links.aliyun.link", "AliyunLink"),
}
CAN_ASK = frozenset({"http", "aliyun"})
TELLS_SUBMIT = frozenset({"cmpp", "smpp"})
"""Drivers that call `on_submit` before a message leaves."""


log = get_logger(__name__)


def open_link(ground: Ground, entry: LinkEntry, limiter: RateLimiter, events: LinkEvents) -> Link:
    """The link of an entry, opened; one that takes nothing where its library is not installed."""
    module, name = DRIVERS[entry.driver]
    try:
        driver = getattr(import_module(module), name)
    except ImportError:
        log.error("driver_not_installed", link=entry.code, driver=entry.driver, install=f"onecert[{entry.driver}]")
        return Absent()
    return cast(Link, driver(ground, entry, limiter, events))


class Absent:
    """A link whose library is not installed: nothing goes over it, and `onecert message links` says why."""

    status = "driver_not_installed"

    def room(self, lane: Lane) -> int:
        """None."""
        return 0

    def wait_ready(self, seconds: float) -> bool:
        """It never will be."""
        return False

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Certainly not sent."""
        return {dispatch.reference: NotSent("no_driver") for dispatch in batch}

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """Nobody knows."""
        return {}

    def close(self) -> None:
        """Nothing to give back."""
