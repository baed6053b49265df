"""The headers that every answer to a browser carries, and the layer that adds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}
"""A year of HTTPS only. Not `includeSubDomains`: the domain's other hosts are other people's."""


def headers_for(public_url: str) -> dict[str, str]:
    """The headers of a service with this public address: over HTTPS, browsers are told to come back by HTTPS only."""
    return HEADERS | (STRICT_TRANSPORT if public_url.startswith("https://") else {})


def add_headers(inner: WSGIApplication, headers: Mapping[str, str] = HEADERS) -> WSGIApplication:
    """Add by a WSGI layer what an answer does not say itself: a view that may be cached sets its own Cache-Control.

    Not by a hook of Flask's: werkzeug looks through all headers for each one that is added.
    """
    added = [(name.lower(), (name, value)) for name, value in headers.items()]

    def layer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            present = {name.lower() for name, _ in headers}
            return start_response(status, headers + [pair for name, pair in added if name not in present], exc_info)

        return inner(environ, start)

    return layer
