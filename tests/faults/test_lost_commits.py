"""The answer to a COMMIT is lost, at every COMMIT of an inquiry's life: it took effect, and nobody was told."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from config.errors import OneCertError
from config.ground import Ground, make_ground
from config.times.clock import FixedClock
from query.inquiry import INTERNET_ACCOUNTS, SECOND
from query.intake.codes import request_code
from query.intake.submit import submit
from query.settling.closing import record_outcome
from query.upkeep.sweep import sweep
from sms_port.ledger.messages import sweep as sweep_messages
from sms_port.sending.gateway import send_due
from tests.conftest import settings_for
from tests.faults.checker import check
from tests.faults.external_services import Outside
from tests.faults.instance import Citizen
from tests.faults.proxy import Proxy
from tests.query.partner_stub import OWNER, form, rows, work
from tests.support.factories import LAUNCH_DAY, empty, prepare
from tests.support.servers import serve

MANY = 200


@pytest.fixture
def proxy(mariadb_schema: str) -> Iterator[Proxy]:
    proxy = Proxy(int(mariadb_schema.rpartition(":")[2].partition("/")[0]))
    yield proxy
    proxy.close()


@pytest.fixture
def played(proxy: Proxy, mariadb_schema: str, redis_url: str, tmp_path: Path) -> Iterator[tuple[Ground, Outside]]:
    """A Ground behind the proxy, and the outside it talks to."""
    url = re.sub(r":\d+/", f":{proxy.port}/", mariadb_schema)
    ground = make_ground(settings_for(url, redis_url, tmp_path), clock=FixedClock(LAUNCH_DAY))
    redis.Redis.flushall(ground.redis)
    with contextlib.closing(Outside(ground)) as outside, serve(outside) as address:
        prepare(ground, address)
        yield ground, outside
    empty(ground.engine)
    ground.redis.close()
    ground.engine.dispose()


def test_a_lost_answer_to_any_commit_costs_a_repetition_and_nothing_else(
    played: tuple[Ground, Outside], proxy: Proxy
) -> None:
    ground, outside = played
    citizens = []
    for which in range(1, MANY):
        citizen = Citizen(f"1380013{which:04d}")
        proxy.lose(which)
        live(ground, outside, citizen)
        citizens.append(citizen)
        if not proxy.lost:
            break
    proxy.lose(0)
    assert 25 < which < MANY - 1, "a whole life was gone through"
    assert check(ground, outside, citizens) == []


def live(ground: Ground, outside: Outside, citizen: Citizen) -> None:
    """One inquiry from the code to the receipt of its reply, everything repeated that fails."""
    code = None
    for _ in range(5):
        insist(lambda: new_code(ground, citizen))
        insist(lambda: send_due(ground, partial(record_outcome, ground)))
        if code := code_on(outside, citizen.phone):
            break
        pass_time(ground)
    assert code, "no code came"
    accepted = insist(lambda: submit(ground, form(citizen.phone, code=code)))
    citizen.promised.append({"reference": accepted.reference})
    for _ in range(6):
        with contextlib.suppress(OneCertError):
            work(ground)
        with contextlib.suppress(OneCertError):
            send_due(ground, partial(record_outcome, ground))
        pass_time(ground)
        if all(row.state == 3 for row in rows(ground)):
            return


def new_code(ground: Ground, citizen: Citizen) -> None:
    """Ask for a code, a moment after the one before: of two made in one millisecond nobody knows which came last."""
    assert isinstance(ground.clock, FixedClock)
    ground.clock.advance(1)
    request_code(ground, service=INTERNET_ACCOUNTS, phone=citizen.phone, owner=OWNER)


def insist(call: Callable[[], Any]) -> Any:
    """Return what whoever was told "unavailable" does: the same again."""
    for _ in range(5):
        with contextlib.suppress(OneCertError):
            return call()
    raise AssertionError("five times in a row")


def pass_time(ground: Ground) -> None:
    """A minute, and the clock process's turn."""
    assert isinstance(ground.clock, FixedClock)
    ground.clock.advance(60 * SECOND)
    sweep(ground)
    with contextlib.suppress(OneCertError):
        sweep_messages(ground, partial(record_outcome, ground))


def code_on(outside: Outside, phone: str) -> str | None:
    """The newest code on a phone."""
    found = [re.search(r"验证码(\d{6})", one.text) for one in outside.sent if one.phone == phone]
    return found[-1][1] if found and found[-1] else None
