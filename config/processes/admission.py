"""The outermost WSGI layer: refuses requests that are malformed or incomplete, and shares out the threads.

A body is read before a request may take one of the slots in which work is done, so a slow sender holds a thread and
nothing else. Signed doors (partners, gateways, platforms) have threads and slots of their own.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from threading import BoundedSemaphore
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from config.processes.slow_senders import waits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OPEN_SLOTS: Final = 24
SIGNED_SLOTS: Final = 8
SLOT_WAIT_S: Final = 10.0
SIGNED_DOORS: Final = {"/wechat/": 64 * 1024, "/partners/": 4096 * 1024, "/sms/": 256 * 1024}
"""Paths of the platforms, partners and gateways, who sign what they send -> the longest body there, in bytes."""

LONGEST_BODY: Final = 64 * 1024
"""Of a door that is not signed; each of them takes far less."""

MOST_WAITING: Final = 96
"""Threads that may wait for bodies at doors that are not signed; whoever comes then is told 503 at once."""

MOST_DISCARDED: Final = 1024 * 1024
"""Bytes of a refused body that are read all the same, so that a proxy can go on with the connection (nginx's cap)."""

CHUNK: Final = 64 * 1024
CLOSE: Final = ("Connection", "close")
BUSY: Final = ("503 Service Unavailable", "The service is busy; try again soon.")
TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")


class Body:
    """A body that is read as it comes, at most as long as its Content-Length says, and never cut short unnoticed."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end. Raises ClientDisconnected when the sender went away before it."""
        wanted = size if self._left is None else min(size, self._left)
        if wanted == 0:
            return b""
        with waits.wait():
            piece: bytes = self._stream.read(wanted)
        if self._left is not None:
            if not piece:
                raise ClientDisconnected("The body is shorter than its Content-Length.")
            self._left -= len(piece)
        return piece

    def read_all(self, most: int) -> bytes:
        """Read the whole body. Raises ClientDisconnected, and RequestEntityTooLarge beyond `most` bytes."""
        if self._left is not None and self._left > most:
            raise RequestEntityTooLarge()
        pieces, size = [], 0
        while piece := self.read(most + 1 - size):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise RequestEntityTooLarge()
        return b"".join(pieces)

    def discard(self, most: int) -> bool:
        """Read what is left and throw it away; False when there is more than `most` bytes, and the rest is unread."""
        if self._left is not None and self._left > most:
            return False
        while most > 0:
            piece = self.read(min(most, CHUNK))
            if not piece:
                return True
            most -= len(piece)
        return False


class _Broken(io.RawIOBase):
    """A body that could not be taken: whoever reads it is told so, and answers in its own way."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise self._fault


class Admission:
    """The layer.

    `headers`: sent with each refusal. `signed`: as SIGNED_DOORS.
    """

    def __init__(
        self,
        inner: WSGIApplication,
        headers: Sequence[tuple[str, str]],
        signed: Mapping[str, int] = MappingProxyType(SIGNED_DOORS),
    ) -> None:
        self._inner, self._signed, self._headers = inner, signed, [TEXT, *headers]
        self._slots = {True: BoundedSemaphore(SIGNED_SLOTS), False: BoundedSemaphore(OPEN_SLOTS)}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse the request, or hand it on once its body is there."""
        if (fault := _malformed(environ)) is not None:
            return self._refuse(start_response, "400 Bad Request", fault, close=not _is_drained(environ))
        signed = next((prefix for prefix in self._signed if environ["PATH_INFO"].startswith(prefix)), None)
        length = _length(environ)
        if length != 0:
            if signed is None and len(waits) >= MOST_WAITING:
                return self._refuse(start_response, *BUSY, close=True)
            most = LONGEST_BODY if signed is None else self._signed[signed]
            body = Body(environ["wsgi.input"], length)
            environ["wsgi.input"] = taken = _taken(body, most)
            if isinstance(taken, _Broken) and not _is_at_end(body):
                start_response = _closing(start_response)
        slots = self._slots[signed is not None]
        if not slots.acquire(timeout=SLOT_WAIT_S):
            return self._refuse(start_response, *BUSY)
        try:
            return self._inner(environ, start_response)
        finally:
            slots.release()

    def _refuse(self, start_response: StartResponse, status: str, why: str, *, close: bool = False) -> list[bytes]:
        """Answer with a sentence; `close`: the body was not read, and so the connection is of no more use."""
        body = why.encode() + b"\n"
        start_response(status, [*self._headers, ("Content-Length", str(len(body))), *([CLOSE] if close else [])])
        return [body]


def _length(environ: WSGIEnvironment) -> int | None:
    """The body's length in bytes; None when it comes in chunks, which say themselves where it ends."""
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return None if chunked else int(environ.get("CONTENT_LENGTH") or 0)


def _taken(body: Body, most: int) -> Any:
    try:
        return io.BytesIO(body.read_all(most))
    except (ClientDisconnected, RequestEntityTooLarge) as fault:
        return _Broken(fault)


def _is_at_end(body: Body) -> bool:
    """Discard the rest of a refused body; False when it is too long, and the connection must be closed."""
    with suppress(ClientDisconnected):
        return body.discard(MOST_DISCARDED)
    return False


def _is_drained(environ: WSGIEnvironment) -> bool:
    """Discard the body of a request that is refused before it is read; False as `_is_at_end`."""
    try:
        length = _length(environ)
    except ValueError:
        return False
    return length == 0 or _is_at_end(Body(environ["wsgi.input"], length))


def _closing(start_response: StartResponse) -> StartResponse:
    """The answer says that the connection ends (RFC 9112 9.6): a proxy must not send its next request on it."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        return start_response(status, [*headers, CLOSE], exc_info)

    return start


def _malformed(environ: WSGIEnvironment) -> str | None:
    """Why a request is not answered at all: None, or a sentence for its sender."""
    path = environ["PATH_INFO"]
    if not path.isprintable() and any(unicodedata.category(one) == "Cc" for one in _decoded(path)):
        return "The path has a control character."
    host = environ.get("HTTP_HOST", "")
    if "," in host or not host.isprintable():
        return "The request names more than one host."
    if (length := environ.get("CONTENT_LENGTH")) and not (length.isascii() and length.isdigit() and len(length) < 12):
        return "The Content-Length is not a number."
    return None


def _decoded(path: str) -> str:
    """The path as text: WSGI gives the bytes of UTF-8 one character each."""
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path
