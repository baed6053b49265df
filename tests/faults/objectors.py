"""Objections on the stage: citizens apply and answer by text, companies report and tell of new accounts.

Whoever gets no answer tries again, as the protocol asks of companies and as people do.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from sqlalchemy import Row, select

from config.db.engine import reading
from enterprises.sandbox.callbacks import signed_answer
from query.objections.models import objection
from query.objections.rules.objection import State
from query.requests.models import request
from query.requests.store import RequestState
from tests.faults.instance import BROKEN, CODE_S, LONG_S, Caller, Citizen, Theatre

THREADS = 4
DAY_S = 86_400
COMPANIES = ("unbind", "dispute")
APPLICATIONS = ("weixin", "jd")


def let_object(stage: Theatre, citizens: Sequence[Citizen], seconds: float = LONG_S) -> None:
    """Have every citizen object to accounts of two companies, and again until each was told 202."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda citizen: _object(stage, citizen, until), citizens))


def _object(stage: Theatre, citizen: Citizen, until: float) -> None:
    caller = Caller(stage)
    while not citizen.promised:
        assert time.monotonic() < until, f"{citizen.phone} could not object"
        with contextlib.suppress(*BROKEN):
            code = caller.code_for(citizen.phone, 4 * CODE_S, "objection")
            if code:
                _submit(caller, citizen, code, until)
        time.sleep(0.05)


def _submit(caller: Caller, citizen: Citizen, code: str, until: float) -> None:
    body = {"wish": "dispute", "applications": list(APPLICATIONS), "phone": citizen.phone, "id_tail": citizen.id_tail}
    key = {"Idempotency-Key": f"objection-{citizen.phone}-{code}"}
    while time.monotonic() < until:
        try:
            answer = caller.post("/objections", {**body, "code": code, "consent": True}, key)
        except BROKEN:
            time.sleep(0.05)
            continue  # nobody knows whether it was committed: the same again
        if answer.status_code == 503:
            time.sleep(0.2)
            continue
        if answer.status_code == 202:
            citizen.promised.append(answer.json())
        assert answer.status_code in (202, 422, 429), answer.text
        return


def objections(stage: Theatre, citizens: Sequence[Citizen]) -> list[Row[Any]]:
    """The objections that were promised to these citizens."""
    wanted = [int(told["reference"]) for citizen in citizens for told in citizen.promised]
    with reading(stage.ground.engine) as db:
        return list(db.execute(select(objection).where(objection.c.reference.in_(wanted))).all())


def closed(stage: Theatre, citizens: Sequence[Citizen]) -> bool:
    """Return whether each is closed, and no SMS of it is under way."""
    rows = objections(stage, citizens)
    return all(row.state == State.CLOSED and row.message is None and not row.look for row in rows)


def requests_to(stage: Theatre, citizens: Sequence[Citizen], *partners: str) -> list[Row[Any]]:
    """Return what is asked of companies about these objections, in their present round."""
    rounds = {row.id: row.round for row in objections(stage, citizens)}
    mine = select(request).where(request.c.owner.in_(list(rounds)), request.c.kind.in_(COMPANIES))
    with reading(stage.ground.engine) as db:
        rows = db.execute(mine.where(request.c.partner.in_(partners)) if partners else mine).all()
    return [row for row in rows if row.round == rounds[row.owner]]


def taken(stage: Theatre, citizens: Sequence[Citizen]) -> bool:
    """Return whether every company has each request of the present round, or has ended it."""
    rows = requests_to(stage, citizens)
    return len(rows) == len(citizens) * len(APPLICATIONS) and all(row.state != RequestState.DUE for row in rows)


def report(stage: Theatre, partner: str, citizens: Sequence[Citizen], state: str) -> None:
    """Have a company report the same final state about everything that it has of these citizens."""
    items = [{"id": row.id.hex(), "state": state} for row in requests_to(stage, citizens, partner)]
    call(stage, partner, "reports", {"items": items})


def call(stage: Theatre, code: str, what: str, body: dict[str, Any], seconds: float = LONG_S) -> None:
    """Have a company call (`reports`, `events`) until it is told 200."""
    partner, until = stage.ground.catalogues.current().partner(code), time.monotonic() + seconds
    assert partner is not None
    url = f"{stage.ground.settings.public_url}/partners/{code}/{what}"
    while time.monotonic() < until:
        with contextlib.suppress(*BROKEN):
            content, headers = signed_answer(stage.ground, url, partner, body)
            if requests.post(url, data=content, headers=headers, timeout=(5, 20)).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{code} could not tell its {what}")


def write(stage: Theatre, citizen: Citizen, text: str, answer: str, seconds: float = LONG_S) -> None:
    """Have a citizen write to the port number, and again when no SMS with `answer` comes for long."""
    url, until = stage.ground.catalogues.current().links[0].url, time.monotonic() + seconds
    had = answers(stage, citizen, answer)
    while answers(stage, citizen, answer) == had:
        assert time.monotonic() < until, f"no answer to {text}"
        sandbox = url.removesuffix("/sms")
        requests.post(f"{sandbox}/phone/{citizen.phone}/texts", json={"text": text}, timeout=60).raise_for_status()
        patient = time.monotonic() + 12
        while answers(stage, citizen, answer) == had and time.monotonic() < patient:
            time.sleep(0.1)


def answers(stage: Theatre, citizen: Citizen, words: str) -> int:
    """Count the SMS with these words that the citizen has, each once."""
    mine = [one for one in list(stage.outside.sent) if one.phone == citizen.phone and one.status == "accepted"]
    return len({one.reference for one in mine if words in one.text})


def skip_to_due(stage: Theatre, citizens: Sequence[Citizen]) -> None:
    """Let the due day of all of them be over; no SMS is under way, for it would be too old to send."""
    stage.settle()
    latest = max(row.due_at for row in objections(stage, citizens))
    stage.skip((latest - stage.ground.clock.now()) / 1000 + 60)
