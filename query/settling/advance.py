"""Settle waves whose answers are complete, in transactions of their own.

If an answer were recorded and checked for completeness in one transaction, two workers with the last two answers would
each miss the other's. So the recording worker sets a mark (`look`), commits, and then calls `advance`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, select

from config.db.engine import reading, transact
from config.errors import DatabaseUnavailable, KeysUnavailable, SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from query.models import wave
from query.settling.after_commit import AfterCommit, ChooseLeases, OwnedWave
from query.settling.counts import settle_counts
from query.settling.identity import settle_identity
from query.settling.rebuild import rebuild
from query.waves.waves import Stage, lock_wave

MAX_WAVES: Final = 100

_log = get_logger(__name__)


def advance(ground: Ground, waves: Sequence[int] | None = None, choose: ChooseLeases | None = None) -> list[OwnedWave]:
    """Settle marked waves (None: all), each in a transaction of its own; one that fails does not stop the others.

    `choose` selects the partners that the caller asks itself: their new questions are leased to it, in the returned
    waves. Workers are rung for all other questions.
    """
    rounds, owed = [], AfterCommit()
    for wave_id in waves if waves is not None else _marked_waves(ground):
        after = _settle_committed(ground, wave_id, choose)
        owed.add(after)
        if after.owned is not None:
            rounds.append(after.owned)
    owed.ring(ground)  # once for all waves: rung for each wave, the gateway would send each by itself
    failpoint("advance.after_ring")
    return rounds


def _settle_committed(ground: Ground, wave_id: int, choose: ChooseLeases | None) -> AfterCommit:
    """Settle one wave and commit. A wave that cannot be settled is logged and skipped."""
    try:
        after = transact(ground.engine, partial(_settle, ground=ground, wave_id=wave_id, choose=choose))
    except (DatabaseUnavailable, KeysUnavailable):
        raise
    except SealBroken:
        return _rebuilt(ground, wave_id)
    except Exception as error:
        _log.error("wave_failed", wave=wave_id, error=type(error).__name__)
        return AfterCommit()
    failpoint("advance.after_commit")
    return after


def _rebuilt(ground: Ground, wave_id: int) -> AfterCommit:
    """Take the inquiries of a wave that does not open further without it; return what is to be rung."""
    after = AfterCommit()
    transact(ground.engine, partial(rebuild, ground=ground, wave_id=wave_id, now=ground.clock.now(), after=after))
    return after


def _marked_waves(ground: Ground) -> list[int]:
    with reading(ground.engine) as db:
        return list(
            db.execute(select(wave.c.id).where(wave.c.look == 1).order_by(wave.c.id).limit(MAX_WAVES)).scalars()
        )


def _settle(db: Connection, ground: Ground, wave_id: int, choose: ChooseLeases | None) -> AfterCommit:
    after = AfterCommit(choose=choose) if choose is not None else AfterCommit()
    whole = lock_wave(db, ground, wave_id)
    if whole is not None:
        settle = settle_identity if whole.stage is Stage.IDENTITY else settle_counts
        settle(db, ground, whole, ground.clock.now(), after)
        failpoint("advance.before_commit")
    return after
