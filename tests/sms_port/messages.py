"""Messages, and the sandbox's gateway to send them to."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from flask import Flask, Response, jsonify
from sqlalchemy import Connection, Table, select

import sms_port.sandbox.http_gateway
from config.db.engine import begin, reading
from config.errors import OneCertError
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from sms_port.ledger.messages import Lane, Outcome, Owed, owe
from sms_port.models import State, attempt, message
from tests.support.factories import prepare
from tests.support.servers import serve

PHONE = "13800138000"
REPLY = "【一证通查】您11月22日查询的138****8000，关联账号数量：微信2个，QQ1个。本短信不带链接。"
FLAGGED = REPLY.replace("】您", "】（补发）您")
CODE = "【一证通查】验证码482913，5分钟内有效，用于查询本机号码关联的互联网账号数量。非本人操作请忽略，切勿告诉他人。"
CODE_LIFE_MS = 300_000
MINUTE_MS = 60_000


@dataclass
class News:
    """The outcomes that the owner of messages received."""

    told: list[Outcome] = field(default_factory=list)

    def __call__(self, db: Connection, outcomes: Sequence[Outcome]) -> None:
        self.told.extend(outcomes)

    @property
    def kinds(self) -> list[str]:
        return [outcome.kind for outcome in self.told]


def make_reply(phone: str = PHONE, text: str = REPLY, flagged: str | None = FLAGGED) -> Owed:
    return Owed(secrets.token_bytes(16), Lane.REPLY, phone, text, resend_text=flagged)


def make_code(ground: Ground, phone: str = PHONE) -> Owed:
    return Owed(secrets.token_bytes(16), Lane.CODE, phone, CODE, expires_at=ground.clock.now() + CODE_LIFE_MS)


def owe_all(ground: Ground, *messages: Owed) -> None:
    with begin(ground.engine) as db:
        owe(db, ground, messages)


def state_of(ground: Ground, owed: Owed) -> State:
    with reading(ground.engine) as db:
        return State(db.scalars(select(message.c.state).where(message.c.id == owed.id)).one())


def is_erased(ground: Ground, owed: Owed) -> bool:
    with reading(ground.engine) as db:
        return db.scalars(select(message.c.sealed).where(message.c.id == owed.id)).one() is None


def attempts_of(ground: Ground, owed: Owed) -> int:
    with reading(ground.engine) as db:
        return len(db.execute(select(attempt).where(attempt.c.message == owed.id)).all())


def rows(ground: Ground, table: Table) -> list[Any]:
    """Everything in a table."""
    with reading(ground.engine) as db:
        return list(db.execute(select(table)).all())


def change_catalogue(ground: Ground, *changes: tuple[str, str]) -> None:
    """Apply the catalogue in force with some of its text replaced."""
    document = ground.catalogues.document()
    for old, new in changes:
        assert old in document
        document = document.replace(old, new)
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "test", "test", ground.clock.now())


@dataclass
class Sandbox:
    """A running sandbox gateway."""

    url: str
    behaviour: Behaviour


@contextlib.contextmanager
def run_sandbox(ground: Ground, public_url: str = "http://127.0.0.1:1") -> Iterator[Sandbox]:
    """Serve the sandbox's gateway, with receipts to `public_url`, and point the link at it."""
    behaviour = Behaviour()
    beside = replace(ground, settings=replace(ground.settings, public_url=public_url))
    app = Flask("sandbox", static_folder=None)
    app.register_blueprint(sms_port.sandbox.http_gateway.make_blueprint(beside, behaviour))
    app.register_error_handler(OneCertError, problem)
    try:
        with serve(app) as url:
            prepare(ground, url)
            yield Sandbox(url, behaviour)
    finally:
        sms_port.sandbox.http_gateway.close(app)


def problem(error: OneCertError) -> tuple[Response, int]:
    return jsonify(code=error.code), error.status


def received(sandbox: Sandbox, phone: str = PHONE) -> list[str]:
    messages = requests.get(f"{sandbox.url}/messages", {"phone": phone}, timeout=60).json()
    return [message["text"] for message in messages]
