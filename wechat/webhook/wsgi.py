"""WSGI middleware that handles `POST /wechat/<account>` before Flask, for speed; all other requests pass through.

Errors have an empty body: the sender learns nothing about a push, and WeChat reads no error bodies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_input_stream

from config.errors import OneCertError
from config.processes.request_metrics import ROUTE
from config.telemetry.log import get_logger
from wechat.webhook.push import Stamp
from wechat.webhook.reception import Reception

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/wechat/"
RULE = "/wechat/<account>"
"""The route of a push in the counts of requests, as that of the URL check."""

STAMP = ("timestamp", "nonce", "signature", "encrypt_type", "msg_signature")
MOST_PARAMETERS = 32
OK = "200 OK"

log = get_logger(__name__)


class PushMiddleware:
    """The middleware. `inner` is the application behind it; `headers` go with each answer."""

    def __init__(self, inner: WSGIApplication, reception: Reception, headers: Mapping[str, str]) -> None:
        self._inner, self._reception = inner, reception
        self._headers = list(headers.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a push, or pass the request on."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not path.startswith(PREFIX) or "/" in path[len(PREFIX) :]:
            return self._inner(environ, start_response)
        environ.setdefault(ROUTE, [""])[0] = RULE
        status, body, media = self._take(path[len(PREFIX) :], environ)
        headers = [("Content-Type", f"{media}; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response(status, headers + self._headers)
        return [body]

    def _take(self, account: str, environ: WSGIEnvironment) -> tuple[str, bytes, str]:
        """Return status line, body and media type."""
        stamp = read_stamp(environ.get("QUERY_STRING", ""))
        try:
            reply = self._reception.receive(account, stamp, _reader(environ))
        except OneCertError as fault:
            log.warning("push_refused", status=fault.status, code=fault.code, detail=fault.detail)
            return _status(fault.status), b"", "text/plain"
        except HTTPException as fault:  # the sender went away, or lied about the body's length
            return _status(fault.code or 400), b"", "text/plain"
        except Exception:
            log.exception("push_broken")
            return _status(500), b"", "text/plain"
        return OK, reply.body, reply.media


def read_stamp(query: str) -> Stamp:
    """Parse the signing parameters of a query string; of duplicates the first counts. None of too many."""
    found: dict[str, str] = {}
    pairs = query.split("&")
    for pair in pairs if len(pairs) <= MOST_PARAMETERS else ():
        name, _, value = pair.partition("=")
        found.setdefault(name, unquote_plus(value))
    return Stamp(*[found.get(name, "") for name in STAMP])


def _reader(environ: WSGIEnvironment) -> Callable[[int], bytes]:
    """Return a function that reads at most the given number of bytes of the body."""

    def read(most: int) -> bytes:
        stream, body = get_input_stream(environ), b""
        while len(body) < most and (piece := stream.read(most - len(body))):
            body += piece
        return body

    return read


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"
