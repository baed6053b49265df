"""The sandbox's companies take requests: `POST /v1/requests`, with reports later, and events of watched numbers.

`POST /behaviour` `{"side":"jd","requests":...}` says what a company does with objections from now on: a final state at
once (the default is done), `accept` (accepted, reported done a little later), `silent` (accepted, never reported) or
`late` (accepted, reported done only when it is sent again). `POST /partners/<code>/play` has it tell of a new account.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, request

from config.catalogue.schema import Partner
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from config.strict_json import write_object
from config.times.formats import rfc3339, shanghai
from enterprises.content import JSON_TYPE
from enterprises.errors import AnswerInvalid
from enterprises.request_protocol import FIELDS, FINALS, UNWATCH, WATCH
from enterprises.sandbox.callbacks import call_back_later
from enterprises.strict_json import read_object

PERSONAL: Final = frozenset({"phone", "id_tail", "name", "id_number", "held"})
REPORT_S: Final = 1.0
DUE_DAYS: Final = 7
REASON_OF: Final = {"needs_holder": "in_app", "refused": "legal_hold"}
REMEMBERED: Final = 20_000


class Taken:
    """The requests that the sandbox's companies have taken, in memory: the state of each id, and the watches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], dict[str, Any]] = {}
        self._watches: dict[tuple[str, str, str], str] = {}
        self._calls: list[dict[str, Any]] = []

    def note(self, code: str, kind: str, items: list[dict[str, str]], at: int) -> None:
        """Remember a call (ids and applications, never a number) and its watches."""
        told = [{"id": item["id"], "application": item["application"]} for item in items]
        with self._lock:
            self._calls = [*self._calls, {"partner": code, "at": rfc3339(at), "kind": kind, "items": told}][
                -REMEMBERED:
            ]
            for item in items:
                place = (code, item["phone"], item["application"])
                if kind == WATCH:
                    self._watches[place] = item["id"]
                elif kind == UNWATCH:
                    self._watches.pop(place, None)

    def state(self, code: str, number: str) -> dict[str, Any] | None:
        """The state of a request that was taken before: sent again, it is the same request."""
        with self._lock:
            return self._states.get((code, number))

    def keep(self, code: str, number: str, state: dict[str, Any]) -> None:
        """Remember the state of a request."""
        with self._lock:
            self._states[code, number] = state
            while len(self._states) > REMEMBERED:
                self._states.pop(next(iter(self._states)))

    def watch(self, code: str, phone: str, application: str) -> str | None:
        """The id of the watch of a number and application; None: it is not watched."""
        with self._lock:
            return self._watches.get((code, phone, application))

    def listing(self, code: str) -> list[dict[str, Any]]:
        """The calls to a company, oldest first."""
        with self._lock:
            return [call for call in self._calls if call["partner"] == code]


Receive = Callable[[str, Callable[[bytes], dict[str, Any]]], tuple[Partner, dict[str, Any]] | Response]
"""(partner's code, parser) -> the partner and its verified body, or the refusal."""


def add_requests(
    blueprint: Blueprint, ground: Ground, behaviour: Behaviour, public_url: str, receive: Receive, seal: Any
) -> None:
    """The routes of requests; `receive` verifies and opens a body, `seal` seals an answer as agreed."""
    taken = Taken()

    @blueprint.post("/partners/<code>/v1/requests")
    def take_requests(code: str) -> Response:
        received = receive(code, _read_requests)
        if isinstance(received, Response):
            return received
        partner, body = received
        taken.note(code, body["kind"], body["items"], ground.clock.now())
        play = Play(ground, partner, behaviour, taken, public_url)
        mode, seconds = behaviour.mode(code)
        if mode in ("500", "silent", "garbage"):
            time.sleep(min(seconds or 0, 60.0))
            return Response("{", 500, content_type=JSON_TYPE)
        items = [play.answer(body["kind"], item) for item in body["items"]]
        answer: Response = seal(
            partner, Response(write_object({"batch": body["batch"], "items": items}), content_type=JSON_TYPE)
        )
        return answer

    @blueprint.get("/partners/<code>/requests")
    def list_requests(code: str) -> Response:
        return Response(write_object({"requests": taken.listing(code)}), content_type=JSON_TYPE)

    @blueprint.post("/partners/<code>/play")
    def play_event(code: str) -> Response:
        partner, event = ground.catalogues.current().partner(code), request.get_json()["event"]
        phone, application = str(event.pop("phone", "")), str(event.get("application", ""))
        watch = event.get("id") or taken.watch(code, phone, application)
        if partner is None or watch is None:
            return Response(write_object({"detail": "this number and application are not watched here"}), 404)
        told = {"event": str(uuid.uuid4()), "change": 1, "at": rfc3339(ground.clock.now()), **event, "id": watch}
        call_back_later(ground, f"{public_url}/partners/{code}/events", partner, {"items": [told]}, 0.0)
        return Response(write_object({"event": told["event"]}), 202, content_type=JSON_TYPE)


class Play:
    """One company's way with requests."""

    def __init__(self, ground: Ground, partner: Partner, behaviour: Behaviour, taken: Taken, public_url: str) -> None:
        self._ground, self._partner, self._taken = ground, partner, taken
        self._wanted = behaviour.requests(partner.code)
        self._url = f"{public_url}/partners/{partner.code}/reports"

    def answer(self, kind: str, item: Mapping[str, str]) -> dict[str, Any]:
        """The answer to one item; a report may follow."""
        word, seconds = self._wanted if kind not in (WATCH, UNWATCH) else ("done", None)
        known = self._taken.state(self._partner.code, item["id"])
        if known is not None and (known["state"] != "accepted" or word != "late"):
            return known
        if word in ("accept", "silent", "late"):
            if word == "accept" or known is not None:
                self._report(item["id"], seconds or REPORT_S)
            due = shanghai(self._ground.clock.now()).date() + timedelta(days=DUE_DAYS)
            return self._kept(item["id"], {"state": "accepted", "due": due.isoformat()})
        state = word if word in FINALS[kind] else "none"
        reason = {"reason": REASON_OF[state]} if state in REASON_OF else {}
        return self._kept(item["id"], {"state": state, **reason})

    def _kept(self, number: str, state: dict[str, Any]) -> dict[str, Any]:
        told = {"id": number, **state}
        self._taken.keep(self._partner.code, number, told)
        return told

    def _report(self, number: str, seconds: float) -> None:
        done = {"id": number, "state": "done"}
        call_back_later(self._ground, self._url, self._partner, {"items": [done]}, seconds)


def _read_requests(body: bytes) -> dict[str, Any]:
    """The requests of a body; AnswerInvalid when it is not the protocol's, down to each item's fields."""
    told = read_object(body)
    kind, items = told.get("kind"), told.get("items")
    names = FIELDS.get(kind) if isinstance(kind, str) else None
    if names is None or not isinstance(items, list) or not items:
        raise AnswerInvalid("not a request")
    wanted = {"id", *names}
    for item in items:
        if not isinstance(item, dict) or not wanted <= set(item) or (PERSONAL - wanted) & set(item):
            raise AnswerInvalid("an item lacks a field, or has one that is not of its kind")
    return {"batch": str(told.get("batch")), "kind": kind, "items": items}
