"""Simulate the gateway of the HTTP link: it sends nothing, and shows messages on a phone.

It is written from docs/sms-http-link.md, checks what a strict gateway checks, and misbehaves on
demand (`POST /behaviour`, side `gateway` or `http`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

from flask import Blueprint, Flask, Response, abort, jsonify, request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceMemory
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from sms_port.sandbox.cmpp_behaviour import listen
from sms_port.sandbox.cmpp_gateway import CmppGateway
from sms_port.sandbox.inbox import Inbox, Text
from sms_port.sandbox.phone import add_phone
from sms_port.sandbox.receipts import Report, Reporter
from sms_port.segments import PART_UNITS, WHOLE_UNITS, units

SIDE = "http"
EXTENSION = "sms_sandbox"
SLOW_S = 3.0
TIMEOUT_S = 60.0
BREAKDOWNS = {"500": 500, "silent": 504, "429": 429, "garbage": 200}


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, populate_by_name=True)
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    sender: Annotated[str, Field(alias="from"), StringConstraints(pattern=r"^[0-9]{3,20}$")]
    to: Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$")]
    parts: Annotated[list[str], Field(min_length=1, max_length=255)]
    valid_until: Annotated[AwareDatetime, Field(strict=False)]


class _Gateway:
    """The state that the gateway's routes share."""

    def __init__(self, ground: Ground, behaviour: Behaviour) -> None:
        self.ground = ground
        self.behaviour = behaviour
        self.inbox = Inbox()
        self.nonces = NonceMemory()
        self.reporter = Reporter(ground)
        self.cmpp: CmppGateway | None = None

    def close(self) -> None:
        """End the gateway's threads."""
        self.reporter.close()
        if self.cmpp is not None:
            self.cmpp.close()

    def caller(self) -> str:
        """Return the code of the link whose key signed the request; SignatureInvalid otherwise."""
        links = {link.key_id: link.code for link in self.ground.catalogues.current().links}
        secrets = {key_id: self.ground.secrets.both(f"{code}.key") for key_id, code in links.items()}
        key_id = verify(
            request.method,
            request.path,
            dict(request.headers),
            request.get_data(),
            secrets=secrets,
            now=self.ground.clock.now(),
            seen=self.nonces.seen,
        )
        return links[key_id]

    def break_down(self) -> tuple[str, float | None]:
        """Return the mode in force; delays or aborts the request when it is a failure."""
        mode, seconds = self.behaviour.mode(SIDE)
        if mode == "silent":
            time.sleep(seconds or TIMEOUT_S)
        if mode in BREAKDOWNS:
            abort(Response("{", BREAKDOWNS[mode]))
        return mode, seconds

    def write(self, phone: str, to: str, text: str) -> None:
        """Play a citizen who writes to the port number: over CMPP to whoever is connected, else over HTTP."""
        catalogue = self.ground.catalogues.current()
        link = next((link for link in catalogue.links if link.enabled and to.startswith(link.port_number)), None)
        if link is None:
            abort(404)
        if link.driver == "cmpp" and self.cmpp is not None:
            self.cmpp.write(link.account, to, phone, text)
        else:
            self.reporter.pass_on(link.code, phone, to, text)

    def take(self, link: str, item: Any, mode: str) -> dict[str, Any]:
        """Check one message of a call, store it if it is valid, and return the result."""
        reference = str(item.get("id", "")) if isinstance(item, dict) else ""
        if mode in ("reject", "retry"):
            return _rejected(reference, "barred" if mode == "reject" else "busy", permanent=mode == "reject")
        now = self.ground.clock.now()
        try:
            message = _Message.model_validate(item)
        except ValidationError:
            return _rejected(reference, "invalid")
        if not _fits(message.parts):
            return _rejected(reference, "too_long")
        if message.valid_until.timestamp() * 1000 < now:
            return _rejected(reference, "expired")
        text = Text(message.to, message.sender, "".join(message.parts), len(message.parts), now)
        if not self.inbox.receive(reference, text):
            return _rejected(reference, "conflict")
        self.behaviour.received.note(SIDE, now, text.to)
        self.behaviour.received.note_text(text.to, now)
        if mode != "no_receipt":
            self.behaviour.received.note(f"{SIDE} receipts", now)
            for part in range(1, text.parts + 1):
                self.reporter.report(Report(link, reference, part, now))
        return {"id": reference, "status": "accepted"}


def make_blueprint(ground: Ground, behaviour: Behaviour) -> Blueprint:
    """Make `/sms/messages`, `/sms/messages/query`, `/phone/<number>` and `/messages` of the sandbox process."""
    gateway = _Gateway(ground, behaviour)
    blueprint = Blueprint(
        "sms_sandbox",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/phone/static",
    )
    _add_gateway(blueprint, gateway)
    add_phone(blueprint, gateway)
    blueprint.record_once(lambda state: state.app.extensions.update({EXTENSION: gateway}))
    return blueprint


def listen_for_cmpp(app: Flask) -> None:
    """Have the gateway speak CMPP too, for as long as the process lives."""
    gateway: _Gateway = app.extensions[EXTENSION]
    gateway.cmpp = listen(gateway.ground, gateway.behaviour, gateway.inbox)


def close(app: Flask) -> None:
    """End what the gateway of this application has under way: its receipts and its CMPP connections."""
    gateway: _Gateway = app.extensions[EXTENSION]
    gateway.close()


def _add_gateway(blueprint: Blueprint, gateway: _Gateway) -> None:
    @blueprint.post("/sms/messages")
    def take_messages() -> Response:
        link = gateway.caller()
        mode, seconds = gateway.break_down()
        if mode == "slow":
            time.sleep(seconds or SLOW_S)
        answers = [gateway.take(link, item, mode) for item in _listed("messages")]
        if mode == "timeout_after_accept":
            time.sleep(seconds or TIMEOUT_S)
        return jsonify(messages=answers)

    @blueprint.post("/sms/messages/query")
    def answer_query() -> Response:
        gateway.caller()
        gateway.break_down()
        answers = [
            {"id": str(item), "status": "accepted" if gateway.inbox.knows(str(item)) else "unknown"}
            for item in _listed("ids")
        ]
        return jsonify(messages=answers)


def _listed(name: str) -> Sequence[Any]:
    body = request.get_json(silent=True)
    listed = body.get(name) if isinstance(body, dict) else None
    return listed if isinstance(listed, list) else abort(400)


def _fits(parts: Sequence[str]) -> bool:
    most = WHOLE_UNITS if len(parts) == 1 else PART_UNITS
    return all(0 < units(part) <= most for part in parts)


def _rejected(reference: str, code: str, *, permanent: bool = True) -> dict[str, Any]:
    return {"id": reference, "status": "rejected", "code": code, "permanent": permanent}
