"""The JSON door on a real ground: real query verbs, real database, real Redis."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from config.ground import Ground
from miniprogram_api.door import Door
from miniprogram_api.problems import http_problem_response
from miniprogram_api.views import make_blueprint
from tests.miniprogram_api.citizens import Citizen


@pytest.fixture
def door(ground: Ground) -> Door:
    return Door(ground)


@pytest.fixture
def app(ground: Ground, door: Door) -> Flask:
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
