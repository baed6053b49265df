"""The one way out by HTTP: bounded in time and size, and honest about what may have been sent.

No redirects, retries, proxies or cookies. Whether a failure is `NotSentError` or `NoAnswerError`
is decided by one fact, noted where it happens: was a byte of the request given to a socket?
"""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as PoolTimeout

from config.errors import CallError, NoAnswerError, NotSentError
from config.net.bounded_sockets import BoundedAdapter, Deadline, PrivateAddress, begin_deadline

CHUNK = 65_536
DEFAULT_CAP = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response: any status, headers (case-insensitive), the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


class _TooLarge(Exception):
    pass


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: even unfollowed, `requests` would read the whole body of a redirect."""


class HttpClient:
    """HTTP calls to partners, gateways and platforms. One session (and its connections) a thread."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._verify: str | bool = str(ca_file) if ca_file else True
        self._threads = threading.local()

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        connect: float = 3.0,
        read: float = 10.0,
        total: float = 15.0,
        cap: int = DEFAULT_CAP,
        private: bool = True,
    ) -> HttpResponse:
        """POST `body`; times in seconds, `cap` in bytes of the decoded answer; `private`: may it stay inside?

        Without `private` an address that is not on the public internet is never connected to, whatever the name says.
        Any status is an answer. Raises NotSentError when certainly nothing reached the other
        side, NoAnswerError when something may have; both name a reason and nothing else.
        """
        return self._current("POST", url, body, headers, Deadline(connect, read, total, private), cap)

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        connect: float = 3.0,
        read: float = 10.0,
        total: float = 15.0,
        cap: int = DEFAULT_CAP,
    ) -> HttpResponse:
        """GET; limits and errors as for `post`."""
        return self._current("GET", url, None, headers or {}, Deadline(connect, read, total), cap)

    def close(self) -> None:
        """Close this thread's connections."""
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is not None:
            session.close()
            del self._threads.session

    def _current(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], call: Deadline, cap: int
    ) -> HttpResponse:
        begin_deadline(call)
        try:
            response = self._session().request(
                method,
                url,
                data=body,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                allow_redirects=False,
                timeout=(call.connect_s, call.read_s),
            )
            with response:
                return HttpResponse(response.status_code, response.headers, b"".join(_read(response, cap)))
        except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError, _TooLarge) as error:
            # `from None`: the library's texts hold the URL with its query.
            raise _ours(error, call, url) from None

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = _Session()
            session.trust_env = False  # no proxies, no .netrc, no certificates from the environment
            session.verify = self._verify
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers = requests.structures.CaseInsensitiveDict({"User-Agent": "onecert"})
            session.mount("http://", BoundedAdapter())
            session.mount("https://", BoundedAdapter())
            self._threads.session = session
        return session


def _read(response: requests.Response, cap: int) -> Iterator[bytes]:
    """The decoded body in pieces; urllib3 decodes no more than a piece at a time."""
    declared = response.headers.get("Content-Length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > cap:
        raise _TooLarge
    size = 0
    while piece := response.raw.read(min(CHUNK, cap + 1), decode_content=True):
        size += len(piece)
        if size > cap:
            raise _TooLarge
        yield piece


def _ours(error: Exception, call: Deadline, url: str) -> CallError:
    reason = _reason(error, call.sent)
    return (NoAnswerError if call.sent else NotSentError)(reason, _host(url))


def _host(url: str) -> str:
    """The host and port of a URL: its path and query may hold what nobody is to read."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _reason(error: BaseException, sent: bool) -> str:
    """One of CALL_REASONS: that of the innermost exception which tells one."""
    kinds: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
        ("too_large", (_TooLarge,)),
        ("private", (PrivateAddress,)),
        ("dns", (socket.gaierror,)),
        ("tls", (ssl.SSLError,)),
        ("timeout", (TimeoutError, PoolTimeout)),
        ("refused", () if sent else (ConnectionError, OSError)),
        ("url", () if sent else (ValueError,)),
    )
    chain = list(_chain(error))
    for reason, types in kinds:
        if any(isinstance(link, types) for link in chain if not isinstance(link, requests.RequestException)):
            return reason
    return "broken" if sent else "url"


def _chain(error: BaseException | Any) -> Iterator[BaseException]:
    while isinstance(error, BaseException):
        yield error
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = getattr(error, "reason", None) or error.__cause__ or error.__context__ or inner
