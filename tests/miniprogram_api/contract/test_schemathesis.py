"""The OpenAPI document against the API: 200 examples of each call, right and wrong ones.

No fault of ours (5xx), no answer that the document does not tell, nothing accepted that the document forbids. It is not
asked that everything which fits the document is accepted (a phone is judged by more than its schema).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from werkzeug.exceptions import HTTPException

from config.ground import make_ground
from config.sandbox.behaviour import Behaviour
from config.times.clock import FixedClock
from miniprogram_api.contract.operations import API_ROOT, OPERATIONS, Operation
from miniprogram_api.contract.problems import http_problem_response
from miniprogram_api.sandbox.wechat import Played
from miniprogram_api.sandbox.wechat import make_blueprint as make_sandbox
from miniprogram_api.views import make_blueprint
from query.access.door import Door
from tests.conftest import settings_for
from tests.miniprogram_api.applets import patient
from tests.support.doors import make_door
from tests.support.factories import LAUNCH_DAY, prepare
from tests.support.servers import serve

EXAMPLES = 200
REFUSALS = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
WITHOUT = ("positive_data_acceptance", "unsupported_method", "use_after_free", "ensure_resource_availability")
"""Not of the examples: the second asks once a call, the last two follow links between calls; there are none."""

CONFIG = {
    "checks": {name: {"enabled": False} for name in WITHOUT}
    | {"negative_data_rejection": {"expected-statuses": REFUSALS}}
}


@pytest.fixture(scope="module")
def api(sqlite_schema: Path, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Door]]:
    """The API on a ground of its own, and its door."""
    directory = tmp_path_factory.mktemp("schemathesis")
    shutil.copy(sqlite_schema, directory / "onecert.db")
    there = settings_for(f"sqlite:///{directory / 'onecert.db'}", redis_url, directory)
    ground = make_ground(there, clock=FixedClock(LAUNCH_DAY))
    ground.redis.flushall()
    platforms = Flask("platforms")
    platforms.register_blueprint(make_sandbox(ground, Behaviour(), Played()))
    door = make_door(ground)
    app = Flask("api")
    app.register_blueprint(make_blueprint(ground, door))
    app.register_error_handler(HTTPException, http_problem_response)
    with serve(platforms) as url, patient():
        prepare(ground, url)
        yield app, door
        ground.http.close()
    ground.redis.close()
    ground.engine.dispose()


def modes(operation: Operation) -> list[GenerationMode]:
    """A call that takes nothing can be given nothing wrong."""
    right, wrong = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    return [right, wrong] if operation.body or operation.session else [right]


RUNS = [(each, mode, EXAMPLES // len(modes(each))) for each in OPERATIONS for mode in modes(each)]


@pytest.mark.parametrize(
    ("operation", "mode", "examples"), RUNS, ids=[f"{each.name}-{mode.value}" for each, mode, _ in RUNS]
)
def test_a_call_answers_as_documented_whatever_it_is_sent(
    operation: Operation, mode: GenerationMode, examples: int, api: tuple[Flask, Door]
) -> None:
    app, door = api
    schema = schemathesis.openapi.from_wsgi(
        f"{API_ROOT}/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG)
    )
    wanted = schema[operation.path][operation.method]
    excluded: list[Any] = [check for check in CHECKS.get_all() if check.__name__ in WITHOUT]
    token = door.open_session("web", None, "198.51.100.9").token
    headers = {"Authorization": f"Bearer {token}"} if operation.session else {}

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=wanted.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    run()
