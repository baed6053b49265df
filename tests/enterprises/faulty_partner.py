"""A partner that keeps to the protocol but for one fault, which bears the name of the check that is to find it."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import re
import threading
import time
from collections import Counter
from typing import Any

import requests
from werkzeug.wrappers import Request, Response

from config.crypto.http_signatures import sign
from tests.support.servers import wsgi_method

KEY_ID, SECRET = "under-test", "the-secret-of-the-partner-under-test"
COVERED = ["@method", "@path", "content-digest", "content-type"]
INPUT = re.compile(r'([a-z0-9]+)=(\(("[a-z@-]+"(?: "[a-z@-]+")*)\)((?:;[a-z]+=(?:[0-9]+|"[^"]*"))+))')
MEMBERS = {"batch", "kind", "service", "answer_by", "items"}
ITEM_MEMBERS = {"id", "phone", "id_tail", "name", "id_number", "held_since"}
KINDS = {"enterprise": {"count"}, "carrier": {"count", "identity"}}
MAC_IGNORED = {"wrong secret refused", "another path refused", "exchanged digest refused"}
SLOW_S = 0.35


class Faulty:
    """`later`: where it calls back to; without, it answers at once."""

    def __init__(self, fault: str = "", kind: str = "enterprise", later: str = "") -> None:
        self.fault, self.kind, self.later = fault, kind, later
        self.remembered: set[str] = set()
        self.times_asked: Counter[str] = Counter()
        self.under_way = 0
        self.company, self.lock = threading.Event(), threading.Lock()

    @wsgi_method
    def answer(self, request: Request) -> Response:
        if request.method != "POST":
            return Response(status=200 if self.fault == "GET is no question" else 405)
        if self.fault == "no redirect":
            return Response(status=307, headers={"Location": "/elsewhere"})
        body = request.get_data()
        if not self.accepts(request, body):
            return Response(status=401)
        try:
            question = json.loads(body)
        except ValueError:
            return Response(status=500 if self.fault == "not JSON" else 400)
        return Response(status=self.refuses(question)) if self.refuses(question) else self.answered(question)

    # --- signature ---------------------------------------------------------------------------------------------------

    def accepts(self, request: Request, body: bytes) -> bool:
        signed = INPUT.fullmatch(request.headers.get("Signature-Input", ""))
        if signed is None:
            return self.fault == "no signature refused"
        label, text, components, parameters = signed.groups()
        names, given = components.replace('"', "").split(), dict(re.findall(r';([a-z]+)="?([^";]*)', parameters))
        age = time.time() - int(given["created"])
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        rules = {
            "missing component refused": set(names) == set(COVERED),
            "another tag refused": given.get("tag") == "onecert",
            "changed body refused": request.headers.get("Content-Digest") == digest,
            "unknown key id refused": given.get("keyid") == KEY_ID,
            "no nonce refused": bool(given.get("nonce")),
            "310 s old refused": age <= 300,
            "310 s early refused": age >= -300,
        }
        strict = {
            "signature accepted": False,
            "components in another order accepted": names == COVERED,
            "another label accepted": label == "onecert",
            "280 s old accepted": age <= 60,
        }
        holds = all(held for rule, held in rules.items() if rule != self.fault) and strict.get(self.fault, True)
        return holds and self.is_genuine(request, label, text, names) and self.is_new(request, given.get("nonce", ""))

    def is_genuine(self, request: Request, label: str, text: str, names: list[str]) -> bool:
        values = {"@method": "POST", "@path": request.path, "content-digest": request.headers["Content-Digest"]}
        values["content-type"] = request.headers["Content-Type"]
        base = "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {text}'])
        mac = base64.b64encode(hmac.digest(SECRET.encode(), base.encode(), "sha256")).decode()
        return request.headers["Signature"] == f"{label}=:{mac}:" or self.fault in MAC_IGNORED

    def is_new(self, request: Request, nonce: str) -> bool:
        kept = request.headers["Signature"] if self.fault == "nonce used again refused" else nonce
        new = kept not in self.remembered or self.fault == "replay refused"
        self.remembered.add(kept)
        return new

    # --- question ----------------------------------------------------------------------------------------------------

    def refuses(self, question: dict[str, Any]) -> int:
        """The status with which a question is not answered; 0: it is."""
        items, ids = question["items"], [item["id"] for item in question["items"]]
        falls_over = {"no items": not items, "duplicate ids": len(set(ids)) < len(ids)}
        if falls_over.get(self.fault):
            return 500
        if question["kind"] not in KINDS[self.kind] and self.fault != "unknown kind":
            return 400
        cards = question["service"] == "phone-cards"
        picky = {
            "unknown member of the question": bool(set(question) - MEMBERS),
            "unknown member of an item": any(set(item) - ITEM_MEMBERS for item in items),
            "held_since": any("held_since" in item for item in items),
            "identity for phone cards": cards and question["kind"] == "identity",
            "count for phone cards": cards and question["kind"] == "count",
            "asked again after 202": any(self.times_asked[one] for one in ids),
        }
        return 400 if picky.get(self.fault) else 0

    # --- answer ------------------------------------------------------------------------------------------------------

    def answered(self, question: dict[str, Any]) -> Response:
        self.hold_up(len(question["items"]))
        if self.fault == "calls at once" and self.has_company():
            return Response(status=503)
        given = {"batch": question["batch"], "items": self.items(question)}
        if self.fault == "batch named":
            given["batch"] = "another"
        if not self.later:
            return self.sealed(json.dumps(given).encode())
        threading.Timer(0.02, self.call_back, (given,)).start()
        named = "another" if self.fault == "202 names the batch" else question["batch"]
        return Response(json.dumps({"batch": named}), 202, content_type="application/json")

    def hold_up(self, items: int) -> None:
        slow = {"time of one item": items == 1, "time of the maximum": items > 1}
        if slow.get(self.fault):
            time.sleep(SLOW_S)

    def has_company(self) -> bool:
        """Return whether another call is under way, or comes soon."""
        with self.lock:
            self.under_way += 1
            if self.under_way > 1:
                self.company.set()
        return self.company.wait(60)

    def items(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        given = [self.item(place, item, question) for place, item in enumerate(question["items"])]
        if self.fault == "ids once and only those asked":
            given.append({**given[0], "id": "a-stranger"})
        if self.fault == "batch of one" and len(given) == 1:
            return []
        return given[:100] if self.fault == "batch of the maximum" else given

    def item(self, place: int, item: dict[str, str], question: dict[str, Any]) -> dict[str, Any]:
        self.times_asked[item["id"]] += 1
        if self.fault == "errors of items":
            return {"id": item["id"], "error": "later"}
        number = {"order changed": place, "asked again": self.times_asked[item["id"]]}.get(self.fault, 1)
        wrong = self.fault == "counts or verdicts in range"
        if question["kind"] == "identity":
            found: dict[str, Any] = {"verdict": "perhaps" if wrong else "match" if number == 1 else "mismatch"}
        elif question["service"] == "phone-cards":
            found = {"counts": {"under-test": number}}
        else:
            found = {"counts": {"weixin": 1000 if wrong else number, "qq": 0}}
        if self.fault == "every application":
            del found["counts"]["qq"]
        return {"id": item["id"], **found, **({"note": item["phone"]} if self.fault == "number not repeated" else {})}

    def sealed(self, body: bytes) -> Response:
        kind = "text/plain" if self.fault == "content type" else "application/json"
        if self.fault == "not compressed":
            return Response(gzip.compress(body), headers={"Content-Encoding": "gzip"}, content_type=kind)
        return Response(body, content_type=kind)

    def call_back(self, given: dict[str, Any]) -> None:
        body, secret = json.dumps(given).encode(), "another" if self.fault == "callback" else SECRET
        kind, now = "application/json", time.time_ns() // 1_000_000
        headers = sign("POST", self.later, body, content_type=kind, key_id=KEY_ID, secret=secret, now=now)
        with contextlib.suppress(requests.RequestException):  # the run may be over
            requests.post(self.later, data=body, headers=headers, timeout=60)
