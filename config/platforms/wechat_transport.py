"""Our HTTP client in the shape in which wechatpy uses `requests`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from config.errors import CallError, NotSentError
from config.net.http_client import HttpClient, HttpResponse
from config.platforms.errors import PlatformAway
from config.platforms.wechat_calls import Terms


@dataclass(frozen=True)
class Response:
    """An HTTP response, as far as wechatpy looks at one."""

    content: bytes = field(repr=False)
    media: str = ""
    request: None = None

    @property
    def is_file(self) -> bool:
        """Return whether it is a picture, a voice or a film, which wechatpy returns as it came."""
        return self.media.startswith(("image/", "video/", "audio/"))

    def raise_for_status(self) -> None:
        """Nothing to raise: the transport let no other status than 200 pass."""


class Transport:
    """Our HTTP client in the shape of `requests.Session`."""

    def __init__(self, http: HttpClient, terms: Terms) -> None:
        self._http = http
        self._limits: dict[str, Any] = {
            "connect": terms.connect_s,
            "read": terms.read_s,
            "total": terms.total_s,
            "cap": terms.cap,
        }

    def request(self, method: str, url: str, **words: Any) -> Response:
        """Make one HTTP call. Raises PlatformAway."""
        parts = {name: words.get(name) for name in ("params", "data", "files", "headers")}
        prepared = requests.Request(method.upper(), url, **parts).prepare()
        try:
            response = self._send(prepared)
        except CallError as fault:
            sent = not isinstance(fault, NotSentError)
            raise PlatformAway(f"WeChat gave no answer: {fault.reason}.", sent=sent) from None
        if response.status != 200:
            raise PlatformAway(
                f"WeChat answered with status {response.status}.", sent=True, answered=response.status
            ) from None
        return Response(response.body, response.headers.get("Content-Type", ""))

    def _send(self, prepared: requests.PreparedRequest) -> HttpResponse:
        url, body = str(prepared.url), prepared.body or b""
        if prepared.method == "GET":
            return self._http.get(url, **self._limits)
        media = prepared.headers.get("Content-Type", "application/json")
        sent = body.encode() if isinstance(body, str) else body
        return self._http.post(url, sent, {"Content-Type": media}, **self._limits)
