"""The headers that every answer to a browser carries. `app.py` applies them to all answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


_ADDED = [(name.lower(), (name, value)) for name, value in HEADERS.items()]


def add_headers(inner: WSGIApplication) -> WSGIApplication:
    """A WSGI layer that adds what an answer does not say itself: a view that may be cached sets its own Cache-Control.

    Not a hook of Flask's: werkzeug looks through all headers for each one that is added.
    """

    def layer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said = {name.lower() for name, _ in headers}
            return start_response(status, headers + [pair for name, pair in _ADDED if name not in said], exc_info)

        return inner(environ, start)

    return layer
