"""A citizen with a phone in hand, for the tests of the JSON door."""

from __future__ import annotations

import json
import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from config.db.engine import begin, reading
from config.ground import Ground
from sms_port.ledger.payload import open_payload
from sms_port.models import message

PHONE = "13800138000"
ACCOUNTS = {"service": "internet-accounts", "phone": PHONE, "id_tail": "12345X", "consent": True}
CARDS = {"service": "phone-cards", "phone": PHONE, "name": "张三", "id_number": "11010519491231002X", "consent": True}


class Citizen:
    """Has a session of the web entrance and reads the messages that are owed to a number."""

    def __init__(self, ground: Ground, client: FlaskClient, address: str = "198.51.100.7") -> None:
        self.ground, self.client, self.address = ground, client, address
        self.token = self.call("POST", "/sessions", {"entrance": "web"}, token="").get_json()["token"]

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> TestResponse:
        """One call of the API; with the citizen's own token unless another, or "", is given."""
        bearer = self.token if token is None else token
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        shape = {"json": body} if body is not None and not isinstance(body, bytes) else {"data": body}
        return self.client.open(
            f"/api/v1{path}", method=method, headers=sent, environ_base={"REMOTE_ADDR": self.address}, **shape
        )

    def ask_for_code(self, phone: str = PHONE, service: str = "internet-accounts") -> TestResponse:
        return self.call("POST", "/verification-codes", {"service": service, "phone": phone})

    def receive_code(self, phone: str = PHONE, service: str = "internet-accounts") -> str:
        """Ask for a code and read it on the phone."""
        answer = self.ask_for_code(phone, service)
        assert answer.status_code == 202, answer.text
        return codes_owed(self.ground, phone)[-1]

    def submit(self, code: str, form: dict[str, Any] = ACCOUNTS, **headers: str) -> TestResponse:
        return self.call("POST", "/inquiries", form | {"code": code}, **headers)


def messages_owed(ground: Ground) -> list[tuple[str, str]]:
    """(phone, text) of every message that is owed, oldest first."""
    with reading(ground.engine) as db:
        rows = db.execute(select(message.c.id, message.c.sealed).order_by(message.c.id)).all()
    letters = [open_payload(ground.keys, row.id, row.sealed) for row in rows]
    return [(letter.phone, letter.text) for letter in letters]


def codes_owed(ground: Ground, phone: str = PHONE) -> list[str]:
    """The codes on their way to a number, oldest first."""
    texts = [text for to, text in messages_owed(ground) if to == phone]
    return [code for text in texts for code in re.findall(r"验证码(\d{6})", text)]


def set_limit(ground: Ground, name: str, number: int) -> None:
    """Apply a catalogue in which one limit is another."""
    text = re.sub(rf"^{name} = \d+$", f"{name} = {number}", ground.catalogues.document(), flags=re.MULTILINE)
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, text, f"{name} = {number}", "test", ground.clock.now())
    assert getattr(ground.catalogues.current().limits, name) == number


def problem(answer: TestResponse, status: int, code: str) -> dict[str, str | int]:
    """The problem's members, after checking what every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    members: dict[str, str | int] = json.loads(answer.data)
    assert (members["code"], members["status"]) == (code, status)
    if "retry_after" in members:
        assert answer.headers["Retry-After"] == str(members["retry_after"])
    return members
