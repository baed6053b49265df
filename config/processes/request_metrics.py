"""The outermost WSGI layer that counts: requests by route and status, and how long each route takes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, request

from config.telemetry.metrics import count_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE: Final = "onecert.route"
REFUSED, UNKNOWN = "refused", "unknown"
"""The route of requests that reached no view: refused by a layer before the application, or for an unknown path."""


def count_requests(app: Flask, inner: WSGIApplication) -> WSGIApplication:
    """Count every answer of `inner`, whose innermost part is `app`. A route is a rule, never a path."""

    @app.before_request
    def name_route() -> None:
        holder = request.environ.get(ROUTE)
        if holder is not None:
            holder[0] = request.url_rule.rule if request.url_rule else UNKNOWN

    def layer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.monotonic()
        route = environ[ROUTE] = [REFUSED]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            count_request(route[0], status[:3], time.monotonic() - begun)
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    return layer
