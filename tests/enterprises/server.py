"""Partners on real servers: the sandbox, and one that answers what a test wants."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from config.catalogue.schema import Partner
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from enterprises.client import LookupResult, ask
from enterprises.errors import EnterpriseError
from enterprises.protocol import Item
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import wsgi_method

PHONE = "13912345678"
ITEMS = [Item("a", phone=PHONE), Item("b", phone="13800138000")]
ANSWER_BY = LAUNCH_DAY + 7_200_000

Reply = Callable[[dict[str, Any]], Response]


def patient(partner: Partner) -> Partner:
    """It is given all the time that a busy machine may take."""
    return partner.model_copy(update={"connect_s": 30.0, "read_s": 30.0, "total_s": 60.0})


def hurried(partner: Partner) -> Partner:
    """It is given half a second: for those that will not answer."""
    return partner.model_copy(update={"connect_s": 1.0, "read_s": 0.5, "total_s": 1.0})


@dataclass
class Sandbox:
    """A sandbox that runs at `url`, and a ground whose catalogue points there."""

    ground: Ground
    behaviour: Behaviour
    url: str

    def partner(self, code: str) -> Partner:
        """A partner of the catalogue."""
        found = self.ground.catalogues.current().partner(code)
        assert found
        return patient(found)


class Switchboard:
    """One server for a whole module, though each test has an application of its own."""

    url = ""
    app: Any = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


def as_json(status: int, body_given: Any, **headers: str) -> Response:
    return Response(json.dumps(body_given), status, headers, content_type="application/json")


def no_items(question: dict[str, Any]) -> Response:
    return as_json(200, {"batch": question["batch"], "items": []})


class Server:
    """A partner's server that answers each question with what `reply` makes of it, and keeps the requests."""

    def __init__(self) -> None:
        self.url = ""
        self.reply: Reply = no_items
        self.requests: list[Request] = []

    @wsgi_method
    def answer(self, request: Request) -> Response:
        request.get_data()
        self.requests.append(request)
        return self.reply(request.get_json())


def put(ground: Ground, partner: Partner) -> LookupResult:
    return ask(ground, partner, "count", "internet-accounts", ITEMS, ANSWER_BY)


def failure_of(ground: Ground, partner: Partner) -> EnterpriseError:
    with pytest.raises(EnterpriseError) as failure:
        put(ground, partner)
    return failure.value
