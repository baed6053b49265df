"""The JSON door on a real ground: real query verbs, real database, real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from miniprogram_api.contract.problems import http_problem_response
from miniprogram_api.sandbox.wechat import Played
from miniprogram_api.sandbox.wechat import make_blueprint as make_sandbox
from miniprogram_api.views import make_blueprint
from query.front_door import FrontDoor
from tests.miniprogram_api.applets import Client, Platforms, patient, point_at
from tests.miniprogram_api.citizens import Citizen
from tests.support.doors import make_door
from tests.support.servers import serve


@pytest.fixture
def door(ground: Ground) -> FrontDoor:
    return make_door(ground)


@pytest.fixture
def app(ground: Ground, door: FrontDoor) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(make_blueprint(ground, door))
    app.register_error_handler(HTTPException, http_problem_response)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def citizen(ground: Ground, client: FlaskClient) -> Citizen:
    return Citizen(ground, client)


@pytest.fixture
def platforms(ground: Ground) -> Iterator[Platforms]:
    """WeChat and Alipay as the sandbox plays them, where the catalogue says they are."""
    behaviour, played = Behaviour(), Played()
    sandbox = Flask("sandbox")
    sandbox.register_blueprint(make_sandbox(ground, behaviour, played))
    with serve(sandbox) as url, patient():
        point_at(ground, url)
        yield Platforms(url, behaviour, played)
        ground.http.close()


@pytest.fixture
def applet(client: FlaskClient) -> Client:
    return Client(client)
