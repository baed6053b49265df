"""The answer to a COMMIT is lost, at every COMMIT of an inquiry's life: it was committed, and nobody was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from config.clock import FixedClock
from config.errors import DatabaseUnavailable, OneCertError
from config.ground import Ground, make_ground
from config.settings import Settings
from query.codes import request_code
from query.inquiry import INTERNET_ACCOUNTS, SECOND, Outcome, State
from query.submission import submit
from query.sweep import sweep
from sms_port.gateway import send_due
from sms_port.ledger import sweep as sweep_messages
from tests.factories import prepare
from tests.faults.proxy import Proxy
from tests.query.played import OWNER, PHONE, Partners, ask_code, form, record_outcome, rows, work


@pytest.fixture
def proxy(mariadb_schema: str) -> Iterator[Proxy]:
    proxy = Proxy(int(mariadb_schema.rpartition(":")[2].partition("/")[0]))
    yield proxy
    proxy.close()
