"""The pages as an application, WeChat that pushes, and its platform that the commands and pages call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.bootstrap import bootstrap
from config.ground import Ground
from tests.support.servers import PATIENCE_S
from tests.wechat.forms import make_app
from tests.wechat.played_platform import Played, played_platform
from tests.wechat.pushing import WeChat


@pytest.fixture(autouse=True)
def on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that takes its time is not away, and `onecert account push` waits longer than WeChat would."""
    monkeypatch.setattr("wechat.webhook.answer_memory.REDIS_S", PATIENCE_S)
    monkeypatch.setattr("wechat.cli.WECHAT_WAITS_S", PATIENCE_S)


@pytest.fixture
def played(ground: Ground) -> Iterator[Played]:
    """WeChat's platform, played where the catalogue's accounts look for it."""
    with played_platform(ground) as played:
        bootstrap(ground, lambda engine: None, played.url.removesuffix("/wechat"))
        yield played


@pytest.fixture
def wechat(ground: Ground) -> WeChat:
    return WeChat(ground)


@pytest.fixture
def app(ground: Ground) -> Flask:
    return make_app(ground)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()
