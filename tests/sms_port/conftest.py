"""A sandbox gateway on loopback, and what the messages' owner hears."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.ground import Ground
from tests.sms_port.letters import News, Sandbox, run_sandbox


@pytest.fixture
def news() -> News:
    return News()


@pytest.fixture
def sandbox(ground: Ground) -> Iterator[Sandbox]:
    with run_sandbox(ground) as sandbox:
        yield sandbox
