"""The means of a conformance run: questions to one address, signed well or badly, and the answers, at once or later."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from config.catalogue import Partner
from config.clock import SystemClock
from config.errors import CallError, SignatureInvalid
from config.outgoing import Answer as HttpAnswer
from config.outgoing import Outgoing
from config.sealing import keyed_hash
from config.signature import COVERED, TAG, verify
from enterprises.errors import AnswerInvalid
from enterprises.protocol import PATH, Item, build_request
from enterprises.sealed_body import SEALED_TYPE, open_body, seal_body
from enterprises.strict_json import read_object, write

JSON: Final = "application/json"
TEST_PHONE: Final = "13800138000"
TEST_ID_TAIL: Final = "000000"
TEST_ID_NUMBER: Final = "11010119900307000X"
SUITES: Final = {"hmac-sha256": "aes", "hmac-sm3": "sm"}


class Failed(Exception):
    """A check failed; the text says what was seen."""


class Skipped(Exception):
    """A check could not be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was sent, and what came back."""

    batch: str
    ids: tuple[str, ...]
    answer: HttpAnswer
    seconds: float


class Mailbox:
    """Where the partner calls back to during a run; keeps bodies by batch, and what was wrong with others."""

    def __init__(self, trial: Trial) -> None:
        self._trial, self._nonces = trial, set[str]()
        self._came = threading.Condition()
        self.bodies: dict[str, bytes] = {}
        self.faults: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """The WSGI application."""
        return self._take(Request(environ))(environ, start_response)

    def _take(self, request: Request) -> Response:
        body, secret = request.get_data(), {self._trial.partner.key_id: self._trial.secret}
        try:
            verify("POST", request.path, dict(request.headers), body, secrets=secret, now=_now(), seen=self._seen)
            plain = self._trial.opened(request.headers.get("Content-Type", ""), body)
            batch = str(read_object(plain).get("batch"))
        except (SignatureInvalid, AnswerInvalid) as error:
            self.faults.append(error.detail)
            return Response(status=401 if isinstance(error, SignatureInvalid) else 400)
        with self._came:
            self.bodies[batch] = plain
            self._came.notify_all()
        return Response(write({"batch": batch}), content_type=JSON)

    def wait(self, batch: str, seconds: float) -> bytes | None:
        """What was called back about a batch, once it is there."""
        with self._came:
            self._came.wait_for(lambda: batch in self.bodies, seconds)
            return self.bodies.get(batch)

    def _seen(self, nonce: str) -> bool:
        known = nonce in self._nonces
        self._nonces.add(nonce)
        return known


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the run prints a table."""


@dataclass
class Trial:
    """One run against one address; `partner` holds the terms, of whatever code."""

    partner: Partner
    secret: str = field(repr=False)
    listen: str | None = None
    wait_s: float = 30.0
    http: Outgoing = field(default_factory=Outgoing)
    mailbox: Mailbox | None = None

    @property
    def url(self) -> str:
        """The one address of the protocol."""
        return self.partner.base_url.rstrip("/") + PATH

    def __enter__(self) -> Trial:
        if self.listen:
            host, _, port = self.listen.rpartition(":")
            self.mailbox = Mailbox(self)
            self._server = make_server(host, int(port), self.mailbox, threaded=True, request_handler=_Quiet)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.mailbox:
            self._server.shutdown()
            self._server.server_close()
        self.http.close()

    def items(self, count: int = 1) -> list[Item]:
        """Items about the reserved test number, each with an id of its own."""
        numbers = {"phone": TEST_PHONE, "id_tail": TEST_ID_TAIL, "name": "测试", "id_number": TEST_ID_NUMBER}
        return [Item(f"check-{secrets.token_hex(8)}", **numbers) for _ in range(count)]

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

    def told(self, asked: Asked) -> dict[str, Any]:
        """The answer's object, also when it is called back. Raises Failed, or Skipped when nobody listens for it."""
        if asked.answer.status == 202:
            if self.mailbox is None:
                raise Skipped("it answers later: give --listen, and have it call back there")
            plain = self.mailbox.wait(asked.batch, self.wait_s)
            if plain is None:
                raise Failed(f"202, and nothing valid was called back within {self.wait_s:g} s")
            return read(plain)
        if asked.answer.status != 200:
            raise Failed(f"answered {asked.answer.status}")
        return read(self.opened(asked.answer.headers.get("Content-Type", ""), asked.answer.body))

    def opened(self, content_type: str, body: bytes) -> bytes:
        """The JSON of a body, sealed or not as agreed."""
        kind = content_type.partition(";")[0].strip().lower()
        if kind != (SEALED_TYPE if self.partner.seal != "none" else JSON):
            raise AnswerInvalid(f"its Content-Type is {kind or 'missing'}")
        return body if self.partner.seal == "none" else open_body(self.partner.seal, [self.secret], body)

    def send(self, plain: bytes, *, sent: bytes | None = None, method: str = "POST", **change: Any) -> HttpAnswer:
        """Send a body under the signature that `change` describes (see `signed`); `sent`: other bytes than signed."""
        sealed = self.partner.seal != "none"
        secret = change.get("secret", self.secret)
        body = seal_body(self.partner.seal, secret, self.partner.key_id, plain) if sealed else plain
        headers = change.pop("headers", None)
        headers = self.signed(body, SEALED_TYPE if sealed else JSON, **change) if headers is None else headers
        terms = self.partner
        try:
            if method == "GET":
                return self.http.get(self.url, connect=terms.connect_s, read=terms.read_s, total=terms.total_s)
            sent = body if sent is None else sent
            return self.http.post(
                self.url, sent, headers, connect=terms.connect_s, read=terms.read_s, total=terms.total_s
            )
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
        """The headers that sign a body as RFC 9421 says, by hand, so that each part of them can be wrong."""
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        values = {"@method": "POST", "@path": path or urlsplit(self.url).path}
        values |= {"content-digest": digest, "content-type": content_type}
        names = " ".join(f'"{name}"' for name in covered)
        told = f';nonce="{secrets.token_urlsafe(16) if nonce is None else nonce}"' if nonce != "" else ""
        parameters = (
            f"({names});created={_now() // 1000 + shift_s};"
            f'keyid="{key_id or self.partner.key_id}";alg="{self.partner.algorithm}"{told};tag="{tag}"'
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


def read(plain: bytes) -> dict[str, Any]:
    """The object of a body; Failed tells what is wrong with it."""
    try:
        return read_object(plain)
    except AnswerInvalid as error:
        raise Failed(error.detail) from None


def items_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of an answer, all objects."""
    items = told.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Failed("the answer has no list of objects as items")
    return items


def _now() -> int:
    return SystemClock().now()
