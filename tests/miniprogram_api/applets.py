"""Both platforms, played by the sandbox over real HTTP, and a citizen with a mini program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.bootstrap import bootstrap
from config.ground import Ground
from config.platforms import wechat_calls
from config.sandbox.behaviour import Behaviour
from miniprogram_api.logins import platform_call
from miniprogram_api.sandbox.wechat import Played
from tests.miniprogram_api.citizens import PHONE
from tests.support.servers import PATIENCE_S

ADDRESS = "198.51.100.8"


@dataclass
class Platforms:
    """The sandbox at `url`, how it behaves, and what it remembers."""

    url: str
    behaviour: Behaviour
    played: Played

    def ask(self, path: str, **wish: str) -> dict[str, Any]:
        answer = requests.post(f"{self.url}{path}", json=wish, timeout=PATIENCE_S)
        told: dict[str, Any] = answer.json()
        return told

    def login_code(self, kind: str, citizen: str = "ann", **more: str) -> str:
        """Return what wx.login or my.getAuthCode gives."""
        folder = {"wechat-applet": "/wechat/applet", "alipay-applet": "/alipay"}[kind]
        return str(self.ask(f"{folder}/login-codes", citizen=citizen, **more)["code"])

    def credential(self, kind: str, phone: str = PHONE, citizen: str = "ann", **more: str) -> dict[str, str]:
        """Return what the phone button gives."""
        if kind == "wechat-applet":
            return self.ask("/wechat/applet/phone-codes", phone=phone, citizen=citizen, **more)
        return self.ask("/alipay/phone-credentials", phone=phone, **more)


class Client:
    """A mini program's client: calls the API with the token it has."""

    def __init__(self, client: FlaskClient) -> None:
        self.client, self.token = client, ""

    def call(self, method: str, path: str, body: Any = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        place = {"REMOTE_ADDR": ADDRESS}
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers, environ_base=place)

    def log_in(self, entrance: str, code: str) -> TestResponse:
        answer = self.call("POST", "/sessions", {"entrance": entrance, "code": code})
        self.token = answer.get_json()["token"] if answer.status_code == 201 else self.token
        return answer


@contextmanager
def patient() -> Iterator[None]:
    """In the block no answer of a platform is given up that is late only because the machine is busy."""
    long: dict[str, Any] = {"connect_s": PATIENCE_S, "read_s": PATIENCE_S, "total_s": PATIENCE_S}
    with ExitStack() as stack:
        stack.enter_context(patch.object(wechat_calls, "ATTENDED", replace(wechat_calls.ATTENDED, **long)))
        stack.enter_context(patch.multiple(platform_call, CONNECT_S=PATIENCE_S, READ_S=PATIENCE_S, TOTAL_S=PATIENCE_S))
        yield


def point_at(ground: Ground, url: str) -> None:
    """Let the catalogue name that address as the sandbox's."""
    bootstrap(ground, lambda engine: None, url)
