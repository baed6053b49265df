"""The WSGI layer behind trusted proxies: puts the client's address, as they wrote it, into REMOTE_ADDR.

What cannot be read leaves REMOTE_ADDR empty, so that clients of one proxy never share a budget; it is logged and
counted for `onecert doctor`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from config.ground import Ground
from config.net.forwarded import parse_node, pick_node
from config.telemetry.log import get_logger
from config.telemetry.recent_counts import CLIENT_ADDRESS_UNREADABLE, count_event

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOG_EVERY_S = 60.0
HEADERS = {"x-forwarded-for": "HTTP_X_FORWARDED_FOR", "forwarded": "HTTP_FORWARDED"}

log = get_logger(__name__)


def behind_proxies(inner: WSGIApplication, ground: Ground) -> WSGIApplication:
    """The application as the trusted proxies of the settings are in front of it; with none it stays as it is."""
    hops = ground.settings.trusted_proxies
    if not hops:
        return inner

    def count() -> None:
        count_event(ground.redis, CLIENT_ADDRESS_UNREADABLE, ground.clock.now())

    layer = ForwardedAddress(inner, hops, ground.settings.forwarded_header, count)
    return ProxyFix(layer, x_for=0, x_proto=hops)


class ForwardedAddress:
    """The layer. `header`: the one that the proxies write; empty: X-Forwarded-For, else Forwarded.

    `on_unreadable` is called once for each request whose address cannot be read; it must not raise.
    """

    def __init__(self, inner: WSGIApplication, hops: int, header: str, on_unreadable: Callable[[], None]) -> None:
        self._inner, self._hops, self._on_unreadable = inner, hops, on_unreadable
        self._names = [HEADERS[header]] if header else list(HEADERS.values())
        self._logged, self._lock = float("-inf"), threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request on with the client's address."""
        written = next((environ[name] for name in self._names if environ.get(name)), "")
        node = pick_node(written, self._hops)
        address = parse_node(node) if node is not None else None
        if address is None:
            self._on_unreadable()
            self._log(node)
        environ["REMOTE_ADDR"] = address or ""
        return self._inner(environ, start_response)

    def _log(self, node: str | None) -> None:
        """Log the shape of what was written, once a minute: an address itself is in no log."""
        now = time.monotonic()
        with self._lock:
            if now - self._logged < LOG_EVERY_S:
                return
            self._logged = now
        shape = "missing" if node is None else re.sub(r"[0-9A-Za-z]+", "x", node)[:64]
        log.warning(CLIENT_ADDRESS_UNREADABLE, shape=shape, trusted_proxies=self._hops)
