"""The outside world of a fault run: the product's sandbox in this process, with a record of everything it received,
and plays in which a side misbehaves worse than the sandbox itself knows how to.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask

import enterprises.sandbox.partners
import sms_port.sandbox.http_gateway
from config.errors import OneCertError
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from miniprogram_api.contract.problems import problem_response

# Time is not skipped for the gateway's receipts: it may not wait for half a minute when the web process was away.
REPORTED_AFTER_S, REPORTED_AGAIN_S = 0.2, (0.3,) * 30

Body = bytes | Iterable[bytes]
Play = Callable[[Mapping[str, Any], int, bytes], tuple[int, str, Body]]
"""(question, status, body of the honest answer) -> (status, content type, body): what is said instead."""


@dataclass(frozen=True)
class Asked:
    """One item put to a partner: when (the run's clock, epoch ms), its order, and what honest facts came back."""

    order: int
    at: int
    partner: str
    kind: str
    inquiry: str
    item: Mapping[str, str]
    told: Mapping[str, Any] | None


@dataclass(frozen=True)
class Requested:
    """One request put to a company: when (the run's clock, epoch ms), and its item as it was sent."""

    at: int
    partner: str
    kind: str
    item: Mapping[str, str]


@dataclass(frozen=True)
class Sent:
    """One message given to the gateway under a reference, as often as it is given."""

    at: int
    reference: str
    phone: str
    text: str
    status: str


class Outside:
    """WSGI around the sandbox: records, and lets `plays[<partner or gateway>]` rewrite what is said."""

    def __init__(self, ground: Ground) -> None:
        self.behaviour = Behaviour()
        self._sandbox, self._clock, self._lock = make_sandbox(ground, self.behaviour), ground.clock, threading.Lock()
        self.asked: list[Asked] = []
        self.requested: list[Requested] = []
        self.sent: list[Sent] = []
        self.plays: dict[str, Play] = {}
        self._run = 0

    def close(self) -> None:
        """End the gateway's threads: a receipt that nobody takes would be told of in other tests."""
        sms_port.sandbox.http_gateway.close(self._sandbox)

    def forget(self) -> None:
        """A new run begins: what came in the last one is noted no more, even if it is answered only now."""
        with self._lock:
            self._run += 1
            self.asked.clear()
            self.requested.clear()
            self.sent.clear()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        run, at, heard = self._run, self._clock.now(), dict[str, Any]()

        def listen(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            heard.update(status=int(status.split()[0]), headers=headers)

        plain = b"".join(self._sandbox(environ, listen))
        answer: Body = plain
        status, kind = heard["status"], dict(heard["headers"]).get("Content-Type", "")
        side, question = self._note(path, at, body, status, plain) if run == self._run else ("", {})
        if (play := self.plays.get(side)) is not None and question:
            status, kind, answer = play(question, status, plain)
        headers = [item for item in heard["headers"] if item[0] not in ("Content-Length", "Content-Type")]
        if isinstance(answer, bytes) and answer[:2] == b"\x1f\x8b":
            headers.append(("Content-Encoding", "gzip"))
        start_response(f"{status} x", [*headers, ("Content-Type", kind)])
        return [answer] if isinstance(answer, bytes) else answer

    def _note(self, path: str, at: int, body: bytes, status: int, answer: bytes) -> tuple[str, Mapping[str, Any]]:
        words = path.strip("/").split("/")
        if words[0] == "partners" and words[-1] == "lookups" and status not in (400, 401):
            question = json.loads(body)
            self._note_asked(words[1], question, at, _object(answer) if status == 200 else {})
            return words[1], question
        if words[0] == "partners" and words[-1] == "requests" and status == 200 and body:
            told = json.loads(body)
            with self._lock:
                self.requested += [Requested(at, words[1], told["kind"], item) for item in told["items"]]
            return "", {}
        if path == "/sms/messages" and status == 200 and answer.startswith(b"{"):
            question = json.loads(body)
            said = {item["id"]: item["status"] for item in _object(answer).get("messages", ())}
            with self._lock:
                self.sent += [
                    Sent(at, one["id"], one["to"], "".join(one["parts"]), said.get(one["id"], "lost"))
                    for one in question["messages"]
                ]
            return "gateway", question
        return "", {}

    def _note_asked(self, partner: str, question: Mapping[str, Any], at: int, answer: Mapping[str, Any]) -> None:
        told = {item["id"]: item for item in answer.get("items", ())}
        with self._lock:
            for item in question["items"]:
                facts = {name: value for name, value in item.items() if name != "id"}
                known = told.get(item["id"])
                asked = Asked(len(self.asked), at, partner, question["kind"], item["id"], facts, known)
                self.asked.append(asked)


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; empty when a side plays garbage."""
    with contextlib.suppress(ValueError):
        found: dict[str, Any] = json.loads(body)
        return found
    return {}


def make_sandbox(ground: Ground, behaviour: Behaviour) -> Flask:
    """The partners and the gateway of the product's own sandbox."""
    app = Flask("outside", static_folder=None)
    app.register_error_handler(OneCertError, problem_response)
    for side in (enterprises.sandbox.partners, sms_port.sandbox.http_gateway):
        app.register_blueprint(side.make_blueprint(ground, behaviour))
    reporter = app.extensions[sms_port.sandbox.http_gateway.EXTENSION].reporter
    reporter.after_s, reporter.retries_s = REPORTED_AFTER_S, REPORTED_AGAIN_S
    return app


def drip(_question: Mapping[str, Any], _status: int, body: bytes) -> tuple[int, str, Body]:
    """One byte each quarter of a second."""

    def slowly() -> Iterable[bytes]:
        for place in range(len(body)):
            yield body[place : place + 1]
            time.sleep(0.25)

    return 200, "application/json", slowly()


def html(*_: Any) -> tuple[int, str, Body]:
    """A login page of somebody's proxy, with status 200."""
    return 200, "text/html", b"<html><body>Please sign in</body></html>"


def gzip_bomb(*_: Any) -> tuple[int, str, Body]:
    """100 MB of spaces in 100 KB."""
    return 200, "application/json", BOMB


def gigabyte(*_: Any) -> tuple[int, str, Body]:
    """A body without end, as far as anybody reads it."""
    return 200, "application/json", (b" " * 65_536 for _ in range(16_384))


def wrong_ids(question: Mapping[str, Any], _status: int, body: bytes) -> tuple[int, str, Body]:
    """Answers that nobody asked for, one of them under another's id."""
    told = json.loads(body)
    for item in told["items"]:
        item["id"] = "f" * 32
    return 200, "application/json", json.dumps({"batch": question["batch"], "items": told["items"]}).encode()


def duplicates(question: Mapping[str, Any], _status: int, body: bytes) -> tuple[int, str, Body]:
    """Every item twice, the second time with other counts."""
    items = json.loads(body).get("items", [])
    twice = [{**item, "counts": dict.fromkeys(item["counts"], 999)} for item in items if "counts" in item]
    return 200, "application/json", json.dumps({"batch": question["batch"], "items": [*items, *twice]}).encode()


def partial_items(question: Mapping[str, Any], _status: int, body: bytes) -> tuple[int, str, Body]:
    """Every second item is left out."""
    return 200, "application/json", json.dumps({**json.loads(body), "items": json.loads(body)["items"][::2]}).encode()


BOMB = gzip.compress(b" " * 100_000_000)
