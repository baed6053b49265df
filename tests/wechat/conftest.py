"""The platform that the commands and pages call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.bootstrap import bootstrap
from config.ground import Ground
from tests.wechat.played_platform import Played, played_platform


@pytest.fixture
def played(ground: Ground) -> Iterator[Played]:
    """WeChat's platform, played where the catalogue's accounts look for it."""
    with played_platform(ground) as played:
        bootstrap(ground, lambda engine: None, played.url.removesuffix("/wechat"))
        yield played
