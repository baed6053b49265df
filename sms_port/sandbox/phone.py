"""The sandbox's phone: a page for each number with the texts it has received, and the same as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from config.ground import Ground
from config.phone_numbers import find_phone, mask_phone
from config.sandbox.behaviour import Behaviour
from config.times.formats import rfc3339, shanghai
from sms_port.sandbox.inbox import Inbox, Text
from sms_port.segments import units

PHONE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
PHONES_SHOWN = 10
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PhoneSide(Protocol):
    """The interface that the phone needs of the gateway beside it."""

    ground: Ground
    behaviour: Behaviour
    inbox: Inbox

    def write(self, phone: str, to: str, text: str) -> None:
        """Play a citizen who writes to the port number."""
        ...


def add_phone(blueprint: Blueprint, gateway: PhoneSide) -> None:
    """Add `/phone`, `/phone/<number>` and `/messages`."""
    _add_messages(blueprint, gateway)
    _add_pages(blueprint, gateway)


def _add_messages(blueprint: Blueprint, gateway: PhoneSide) -> None:
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

    @blueprint.post("/phone/<number>/texts")
    def write_text(number: str) -> AnyResponse:
        by_form = not request.is_json
        wish, known = request.form if by_form else request.get_json(silent=True), find_phone(number)
        if known is None or not isinstance(wish, Mapping) or not isinstance(wish.get("text"), str):
            abort(400)
        gateway.write(known, gateway.ground.catalogues.current().port_number, wish["text"])
        return redirect(url_for(".show_phone", number=known), 303) if by_form else Response(status=202)


def _add_pages(blueprint: Blueprint, gateway: PhoneSide) -> None:
    @blueprint.get("/phone")
    @blueprint.get("/phone/")
    def choose_phone() -> AnyResponse:
        typed = request.args.get("number", "")
        known = find_phone(typed)
        if known is None:
            return _ask_for_number(gateway, typed, 404 if typed else 200)
        return redirect(url_for(".show_phone", number=known), 303)

    @blueprint.get("/phone/<number>")
    def show_phone(number: str) -> AnyResponse:
        known = find_phone(number)
        if known is None:
            return _ask_for_number(gateway, number, 404)
        if known != number:
            return redirect(url_for(".show_phone", number=known), 303)
        now, texts = gateway.ground.clock.now(), gateway.inbox.texts(number)
        sender = texts[-1].sender if texts else gateway.ground.catalogues.current().port_number
        shown = [(text, units(text.text), when(text.received_at, now)) for text in texts]
        return _page("sandbox_phone.html", number=number, sender=sender, texts=shown)


def _ask_for_number(gateway: PhoneSide, typed: str, status: int = 200) -> Response:
    """Render the form that asks for a number, with the error of the last input, if any."""
    phones = [(seen.phone, mask_phone(seen.phone)) for seen in gateway.behaviour.received.phones(PHONES_SHOWN)]
    return _page("sandbox_choose.html", status, typed=typed, phones=phones)


def _page(template: str, status: int = 200, **words: Any) -> Response:
    return Response(
        render_template(template, **words), status, headers=HEADERS, content_type="text/html; charset=utf-8"
    )


def when(at: int, now: int) -> str:
    """Return `今天 14:04`, `昨天 14:04`, else `11 月 22 日 14:04`; Asia/Shanghai (pure)."""
    moment, days = shanghai(at), (shanghai(now).date() - shanghai(at).date()).days
    day = {0: "今天", 1: "昨天"}.get(days, f"{moment.month} 月 {moment.day} 日")
    return f"{day} {moment:%H:%M}"


def _as_json(text: Text) -> dict[str, Any]:
    return {
        "to": text.to,
        "from": text.sender,
        "text": text.text,
        "parts": text.parts,
        "received_at": rfc3339(text.received_at, milliseconds=True),
    }
