"""Citizens in numbers: while something else happens, or so many at once that their waves are full."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil
from sqlalchemy import func, insert, select

from config.db.engine import begin, reading
from query.inquiry import INTERNET_ACCOUNTS
from query.intake.codes import PhoneHolder, code_row
from query.intake.submit import submit
from query.models import verification_code
from sms_port.models import Lane, State, message
from tests.faults.instance import Citizen, Theatre
from tests.query.partner_stub import OWNER, form

CODE = "135790"
THREADS = 4


@contextlib.contextmanager
def coming(stage: Theatre, citizens: Sequence[Citizen]) -> Iterator[None]:
    """Citizens submit while the block runs, and all have been let in when it ends."""
    with ThreadPoolExecutor(1) as pool:
        admission = pool.submit(stage.admit, citizens)
        yield
    admission.result()


def assemble(stage: Theatre, citizens: Sequence[Citizen]) -> None:
    """Have all of them accepted before a worker looks."""
    with frozen(stage, "worker"):
        let_in(stage, citizens)


def let_in(stage: Theatre, citizens: Sequence[Citizen]) -> None:
    """Have all of them accepted, with codes that came to them by no SMS."""
    ground, now = stage.ground, stage.ground.clock.now()
    holders = [PhoneHolder((ground.keys.phone_index(one.phone),), INTERNET_ACCOUNTS, OWNER) for one in citizens]
    with begin(ground.engine) as db:
        db.execute(insert(verification_code), [code_row(ground, holder, CODE, now) for holder in holders])

    def accept(citizen: Citizen) -> None:
        citizen.promised.append({"reference": submit(ground, form(citizen.phone, code=CODE)).reference})

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(accept, citizens))


@contextlib.contextmanager
def frozen(stage: Theatre, *roles: str) -> Iterator[None]:
    """The players of these roles do nothing in the block."""
    players = stage.players(*roles)
    for player in players:
        player.suspend()
    try:
        yield
    finally:
        for player in players:
            with contextlib.suppress(psutil.Error):
                player.resume()


def owed(stage: Theatre) -> int:
    """Replies that are written and wait for the gateway."""
    waiting = (message.c.lane == Lane.REPLY) & (message.c.state < State.ACCEPTED)
    with reading(stage.ground.engine) as db:
        return int(db.execute(select(func.count()).where(waiting)).scalar_one())
