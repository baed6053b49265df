"""The sandbox's WeChat platform on a port, for the tests of whatever calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

from flask import Flask

import wechat.sandbox
from config.catalogue.schema import Entrance
from config.ground import Ground
from config.platforms import wechat_calls
from config.sandbox.behaviour import Behaviour
from tests.support.servers import PATIENCE_S, serve
from wechat.accounts import find_official_account
from wechat.platform.client import Platform


@dataclass
class Played:
    """The platform's memory, how it behaves, and our side of it."""

    url: str
    behaviour: Behaviour
    memory: wechat.sandbox.Platform
    platform: Platform
    account: Entrance
    pauses: list[float]

    def asked(self, name: str) -> int:
        """Return how often an address that ends so was called."""
        return sum(path.endswith(name) for path in self.memory.asked)


@contextmanager
def played_platform(ground: Ground) -> Iterator[Played]:
    """Serve the platform; the account is the catalogue's gxwbwx with its address.

    Our side does not pause between two tries, and gives up no answer that is late only because the machine is busy.
    """
    app, behaviour, memory = Flask(__name__), Behaviour(), wechat.sandbox.Platform()
    app.register_blueprint(wechat.sandbox.make_blueprint(ground, behaviour, memory))
    account = find_official_account(ground.catalogues.current(), "gxwbwx")
    pauses: list[float] = []
    with serve(app) as url, patch.object(wechat_calls, "BACKGROUND", patient()):
        there = replace_account(account, base_url=f"{url}/wechat")
        yield Played(f"{url}/wechat", behaviour, memory, Platform(ground, pauses.append), there, pauses)
    ground.http.close()


def patient() -> wechat_calls.Terms:
    """The terms of an official account's calls, on a busy machine."""
    return replace(wechat_calls.BACKGROUND, connect_s=PATIENCE_S, read_s=PATIENCE_S, total_s=PATIENCE_S)


def replace_account(account: Entrance, **changes: object) -> Entrance:
    """The account with changes."""
    return account.model_copy(update=changes)
