"""WeChat, pushing to an application that runs in this process."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.ground import Ground
from tests.wechat.pushes import OPENID
from wechat.webhook.account_keys import read_account
from wechat.webhook.body import Format
from wechat.webhook.player import Played, build_event, build_push, read_answer
from wechat.webhook.push import AccountKeys, Mode
from wechat.webhook.views import install

ACCOUNTS = ["gxwbwx", "gxb-antifraud", "caict"]
TAP = build_event("CLICK", "ONECERT")


class WeChat:
    """WeChat's side of the webhook."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        app = Flask(__name__)
        install(app, ground)
        self.app = app

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def keys(self, code: str) -> AccountKeys:
        return read_account(self.ground, code).keys

    def play(self, code: str, message: dict[str, Any] = TAP, mode: Mode | None = None, form: Format = "xml") -> Played:
        keys, now = self.keys(code), self.ground.clock.now()
        return build_push(keys, message, openid=OPENID, mode=mode or keys.mode, form=form, now=now)

    def send(self, code: str, played: Played, body: bytes | None = None, query: str | None = None) -> TestResponse:
        where = f"/wechat/{code}?{played.query if query is None else query}"
        return self.client().post(where, data=played.body if body is None else body, content_type=played.media)

    def ask(self, code: str, message: dict[str, Any] = TAP, mode: Mode | None = None, form: Format = "xml") -> str:
        response = self.send(code, self.play(code, message, mode, form))
        assert response.status_code == 200
        return read_answer(self.keys(code), response.data)
