"""One conformance run: put questions to one address, signed well or badly, and read the answers, at once or later."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from config.catalogue.schema import Partner
from config.crypto.http_signatures import COVERED, TAG
from config.crypto.suites import keyed_hash
from config.errors import CallError
from config.net.http_client import HttpClient, HttpResponse
from config.times.clock import SystemClock
from enterprises.conformance.callback_server import CallbackServer
from enterprises.conformance.findings import Failed, Skipped
from enterprises.content import build_content, parse_content
from enterprises.errors import AnswerInvalid
from enterprises.protocol import PATH, Item, build_request
from enterprises.reserved_number import reserved_item
from enterprises.strict_json import read_object

SUITES: Final = {"hmac-sha256": "aes", "hmac-sm3": "sm"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was sent, and its response."""

    batch: str
    ids: tuple[str, ...]
    answer: HttpResponse
    seconds: float


@dataclass
class Trial:
    """One run against one address; `partner` holds the agreed terms, whatever its code.

    `listen`: host:port of the partner's callbacks, awaited for `wait_s`; `ca_file`: trusted certificates instead of the
    public roots.
    """

    partner: Partner
    secret: str = field(repr=False)
    listen: str | None = None
    wait_s: float = 30.0
    ca_file: Path | None = None
    callbacks: CallbackServer | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.http = HttpClient(self.ca_file)

    @property
    def url(self) -> str:
        """The one address of the protocol."""
        return self.partner.base_url.rstrip("/") + PATH

    def __enter__(self) -> Trial:
        if self.listen:
            keys = {self.partner.key_id: self.secret}
            self.callbacks = CallbackServer(self.listen, keys, self.open_body)
        return self

    def __exit__(self, *_: object) -> None:
        if self.callbacks:
            self.callbacks.close()
        self.http.close()

    def items(self, count: int = 1) -> list[Item]:
        """Make items about the reserved test number, each with an id of its own."""
        return [reserved_item() for _ in range(count)]

    def ask(
        self,
        items: Sequence[Item] | None = None,
        kind: str | None = None,
        service: str = "internet-accounts",
        **change: Any,
    ) -> Asked:
        """Put a well-formed question; `change` as for `send`."""
        items, batch = items or self.items(), str(uuid.uuid4())
        kind = kind or ("identity" if self.partner.kind == "carrier" else "count")
        body = build_request(batch, kind, service, _now() + 60_000, items)
        edit = change.pop("edit", None)
        begun = time.monotonic()
        answer = self.send(edit(body) if edit else body, **change)
        return Asked(batch, tuple(item.id for item in items), answer, time.monotonic() - begun)

    def answer_of(self, asked: Asked) -> dict[str, Any]:
        """Return the answer's object, waiting for a callback. Raises Failed, or Skipped when no callback is awaited."""
        if asked.answer.status == 202:
            if self.callbacks is None:
                raise Skipped("it answers later: give --listen, and have it call back there")
            plain = self.callbacks.wait(asked.batch, self.wait_s)
            if plain is None:
                raise Failed(f"202, and nothing valid was called back within {self.wait_s:g} s")
            return read(plain)
        if asked.answer.status != 200:
            raise Failed(f"answered {asked.answer.status}")
        return read(self.open_body(asked.answer.headers.get("Content-Type", ""), asked.answer.body))

    def open_body(self, content_type: str, body: bytes) -> bytes:
        """Return the JSON of a body, sealed or not as agreed; AnswerInvalid when it is not."""
        return parse_content(self.partner.seal, [self.secret], content_type, body)

    def send(self, plain: bytes, **change: Any) -> HttpResponse:
        """Send a body under the signature that `change` describes (see `signed`)."""
        return self.post(*self.sealed(plain, **change))

    def sealed(self, plain: bytes, **change: Any) -> tuple[bytes, dict[str, str]]:
        """Return (body, headers) of a call: sealed as agreed, signed as `change` describes."""
        body, content_type = build_content(
            self.partner.seal, change.get("secret", self.secret), self.partner.key_id, plain
        )
        return body, self.signed(body, content_type, **change)

    def post(self, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
        """POST these exact bytes; Failed when no response comes."""
        terms = self.partner
        try:
            return self.http.post(
                self.url, body, headers, connect=terms.connect_s, read=terms.read_s, total=terms.total_s
            )
        except CallError as error:
            raise Failed(f"no answer: {error.reason}") from None

    def get(self) -> HttpResponse:
        """GET the address; Failed when no response comes."""
        terms = self.partner
        try:
            return self.http.get(self.url, connect=terms.connect_s, read=terms.read_s, total=terms.total_s)
        except CallError as error:
            raise Failed(f"no answer: {error.reason}") from None

    def signed(
        self,
        body: bytes,
        content_type: str,
        *,
        secret: str | None = None,
        key_id: str | None = None,
        shift_s: int = 0,
        nonce: str | None = None,
        tag: str = TAG,
        label: str = "onecert",
        path: str | None = None,
        covered: Sequence[str] = COVERED,
    ) -> dict[str, str]:
        """Return headers that sign a body by RFC 9421, built by hand so that each part can be made wrong."""
        digest = digest_of(body)
        values = {"@method": "POST", "@path": path or urlsplit(self.url).path}
        values |= {"content-digest": digest, "content-type": content_type}
        names = " ".join(f'"{name}"' for name in covered)
        nonce_parameter = f';nonce="{secrets.token_urlsafe(16) if nonce is None else nonce}"' if nonce != "" else ""
        parameters = (
            f"({names});created={_now() // 1000 + shift_s};"
            f'keyid="{key_id or self.partner.key_id}";alg="{self.partner.algorithm}"{nonce_parameter};tag="{tag}"'
        )
        lines = [f'"{name}": {values[name]}' for name in covered] + [f'"@signature-params": {parameters}']
        suite: Any = SUITES[self.partner.algorithm]
        mac = keyed_hash(suite, (secret or self.secret).encode(), "\n".join(lines).encode())
        return {
            "Content-Type": content_type,
            "Content-Digest": digest,
            "Signature-Input": f"{label}={parameters}",
            "Signature": f"{label}=:{base64.b64encode(mac).decode()}:",
        }


def digest_of(body: bytes) -> str:
    """Return the Content-Digest of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def read(plain: bytes) -> dict[str, Any]:
    """Parse the object of a body; Failed gives the reason if it is none."""
    try:
        return read_object(plain)
    except AnswerInvalid as error:
        raise Failed(error.detail) from None


def items_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of an answer, all objects."""
    items = answer.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Failed("the answer has no list of objects as items")
    return items


def _now() -> int:
    return SystemClock().now()
