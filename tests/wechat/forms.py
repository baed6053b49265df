"""A form of the pages, filled in and sent without JavaScript."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from config.ground import Ground
from config.net.response_headers import add_headers
from miniprogram_api.contract.problems import http_problem_response
from tests.miniprogram_api.citizens import codes_owed
from tests.support.doors import make_door
from wechat.pages.refusals import receive_strays
from wechat.pages.views import make_blueprint

PHONE = "13800138000"
ACCOUNTS = {"phone": PHONE, "id_tail": "12345X", "consent": "yes", "consent_id": "yes"}
CARDS = {"phone": PHONE, "name": "张三", "id_number": "11010519491231002X", "consent": "yes", "consent_id": "yes"}


def make_app(ground: Ground) -> Flask:
    app = Flask("pages", static_folder=None)
    app.register_blueprint(make_blueprint(ground, make_door(ground)))
    receive_strays(app, ground, http_problem_response)
    app.register_error_handler(HTTPException, http_problem_response)
    app.wsgi_app = add_headers(app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app


def hidden(page: TestResponse, name: str) -> str:
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page.text)[0]


def post(browser: FlaskClient, service: str = "internet-accounts", **typed: str) -> TestResponse:
    """Open the form, fill it in, send it; the form as it is shown again, or the redirect to the progress page."""
    page = browser.get(f"/{service}")
    return send(browser, page, service, **typed)


def send(browser: FlaskClient, page: TestResponse, service: str = "internet-accounts", **typed: str) -> TestResponse:
    """Send the form of `page` with these fields, and follow where that leads back to the form."""
    told = {name: hidden(page, name) for name in ("session", "key", "sent")}
    answer = browser.post(f"/{service}", data=told | typed)
    if answer.headers.get("Location") != f"/{service}":
        return answer
    assert answer.status_code == 303
    return browser.get(f"/{service}")


def receive_code(ground: Ground, browser: FlaskClient, service: str = "internet-accounts") -> str:
    assert post(browser, service, phone=PHONE, action="code").status_code == 200
    return codes_owed(ground)[-1]


def faults(page: TestResponse) -> list[str]:
    return re.findall(r'said_bad" id="say-[a-z_]+"><svg.*?</svg><span>([^<]+)<', page.text)
