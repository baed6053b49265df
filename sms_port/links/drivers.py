"""Choose the driver of a link. Drivers with an optional dependency are imported only when a link uses them."""

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
    """Open the link of an entry; an Absent link when its library is not installed."""
    module, name = DRIVERS[entry.driver]
    try:
        driver = getattr(import_module(module), name)
    except ImportError:
        log.error("driver_not_installed", link=entry.code, driver=entry.driver, install=f"onecert[{entry.driver}]")
        return Absent()
    return cast(Link, driver(ground, entry, limiter, events))


class Absent:
    """Link whose library is not installed: it sends nothing, and `onecert message links` shows the reason."""

    status = "driver_not_installed"

    def room(self, lane: Lane) -> int:
        """Return 0."""
        return 0

    def wait_ready(self, seconds: float) -> bool:
        """Return False."""
        return False

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Return NotSent for every message."""
        return {dispatch.reference: NotSent("no_driver") for dispatch in batch}

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """Return nothing."""
        return {}

    def close(self) -> None:
        """Do nothing."""
