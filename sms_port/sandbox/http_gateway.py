"""The other side of the HTTP link: a gateway that sends nothing, and a phone to look at.

It is written from docs/sms-http-link.md, checks what a strict gateway checks, and misbehaves on
demand (`POST /behaviour`, side `gateway`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Annotated, Any

from flask import Blueprint, Flask, Response, abort, jsonify, redirect, render_template, request, url_for
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceMemory
from config.ground import Ground
from config.phone_numbers import find_phone
from config.sandbox.behaviour import Behaviour
from config.times.formats import rfc3339, shanghai
from sms_port.sandbox.cmpp_behaviour import listen
from sms_port.sandbox.cmpp_gateway import CmppGateway
from sms_port.sandbox.inbox import Inbox, Text
from sms_port.sandbox.receipts import Report, Reporter
from sms_port.segments import PART_UNITS, WHOLE_UNITS, units

SIDE = "gateway"
EXTENSION = "sms_sandbox"
SLOW_S = 3.0
TIMEOUT_S = 60.0
BREAKDOWNS = {"500": 500, "silent": 504, "429": 429, "garbage": 200}
PHONE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, populate_by_name=True)
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    sender: Annotated[str, Field(alias="from"), StringConstraints(pattern=r"^[0-9]{3,20}$")]
    to: Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{9}$")]
    parts: Annotated[list[str], Field(min_length=1, max_length=255)]
    valid_until: Annotated[AwareDatetime, Field(strict=False)]


class _Gateway:
    """What the gateway's routes share."""

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
        """The code of the link whose key signed the request; SignatureInvalid otherwise."""
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
        """The mode that is played; does not come back when it is one in which nothing is taken or told."""
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
        """Judge one message of a call, keep it if it is good, and say so."""
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
        if mode != "no_receipt":
            for part in range(1, text.parts + 1):
                self.reporter.report(Report(link, reference, part, now))
        return {"id": reference, "status": "accepted"}


def make_blueprint(ground: Ground, behaviour: Behaviour) -> Blueprint:
    """`/sms/messages`, `/sms/messages/query`, `/phone/<number>` and `/messages` of the sandbox process."""
    gateway = _Gateway(ground, behaviour)
    blueprint = Blueprint(
        "sms_sandbox",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/phone/static",
    )
    _add_gateway(blueprint, gateway)
    _add_phone(blueprint, gateway)
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


def _add_phone(blueprint: Blueprint, gateway: _Gateway) -> None:
    @blueprint.get("/messages")
    def list_messages() -> Response:
        return jsonify([_as_json(text) for text in gateway.inbox.texts(request.args.get("phone", ""))])

    @blueprint.post("/messages")
    def write_message() -> Response:
        wish = request.get_json(silent=True)
        told = [str(wish.get(name, "")) for name in ("from", "to", "text")] if isinstance(wish, dict) else [""]
        if not PHONE.fullmatch(told[0]):
            abort(400)
        gateway.write(*told)
        return Response(status=202)

    @blueprint.get("/phone")
    def choose_phone() -> AnyResponse:
        number = find_phone(request.args.get("number", ""))
        return redirect(url_for(".show_phone", number=number or "0"), 303)

    @blueprint.get("/phone/<number>")
    def show_phone(number: str) -> AnyResponse:
        known = find_phone(number)
        if known is None:
            abort(404)
        if known != number:
            return redirect(url_for(".show_phone", number=known), 303)
        now, texts = gateway.ground.clock.now(), gateway.inbox.texts(number)
        sender = texts[-1].sender if texts else gateway.ground.catalogues.current().port_number
        shown = [(text, units(text.text), when(text.received_at, now)) for text in texts]
        page = Response(render_template("sandbox_phone.html", number=number, sender=sender, texts=shown))
        page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        page.headers["Cache-Control"] = "no-store"
        page.headers["Referrer-Policy"] = "no-referrer"
        page.headers["X-Content-Type-Options"] = "nosniff"
        return page


def when(at: int, now: int) -> str:
    """`今天 14:04`, `昨天 14:04`, else `11 月 22 日 14:04`; Asia/Shanghai (pure)."""
    moment, days = shanghai(at), (shanghai(now).date() - shanghai(at).date()).days
    day = {0: "今天", 1: "昨天"}.get(days, f"{moment.month} 月 {moment.day} 日")
    return f"{day} {moment:%H:%M}"


def _listed(name: str) -> Sequence[Any]:
    body = request.get_json(silent=True)
    listed = body.get(name) if isinstance(body, dict) else None
    return listed if isinstance(listed, list) else abort(400)


def _fits(parts: Sequence[str]) -> bool:
    most = WHOLE_UNITS if len(parts) == 1 else PART_UNITS
    return all(0 < units(part) <= most for part in parts)


def _rejected(reference: str, code: str, *, permanent: bool = True) -> dict[str, Any]:
    return {"id": reference, "status": "rejected", "code": code, "permanent": permanent}


def _as_json(text: Text) -> dict[str, Any]:
    return {
        "to": text.to,
        "from": text.sender,
        "text": text.text,
        "parts": text.parts,
        "received_at": rfc3339(text.received_at, milliseconds=True),
    }
