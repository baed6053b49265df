"""Settling an identity wave: the carrier's verdicts, member by member. Nobody waits for a neighbour."""

from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from config.ground import Ground
from query.inquiry import INTERNET_ACCOUNTS, State, Step, Times, step_after
from query.models import question
from query.moves import move
from query.services import times_of
from query.settling.after_commit import Owing
from query.settling.carriers import reroute
from query.settling.counts import start_asking
from query.settling.ending import end_unsuccessfully
from query.waves.answers import held_since, verdict_of
from query.waves.questions import IDENTITY, Answer, open_answers
from query.waves.wave_ids import wave_ids
from query.waves.waves import Stage, Wave, add_wave, close_questions, finish, rewrite_wave, shrink, standing_members


def settle_checked(db: Connection, ground: Ground, whole: Wave, now: int, owing: Owing) -> None:
    """Take every member of a locked identity wave as far as its verdict allows; what still waits stays in the wave."""
    times = times_of(ground.catalogues.current(), whole.service)
    verdicts = _verdicts(db, ground, whole)
    present = standing_members(db, ground, whole, State.CHECKING)
    steps = _steps(whole, present, verdicts, times, now)
    ended = {whole.members[place]: whole.phones[place] for place in steps[Step.END]}
    elsewhere = {whole.members[place]: whole.phones[place] for place in steps[Step.ELSEWHERE]}
    if elsewhere:
        ended |= reroute(db, ground, elsewhere, whole.carrier, owing)
    if ended:
        end_unsuccessfully(db, ground, whole.service, ended, now)
        owing.messages = True
    if steps[Step.WAIT]:
        shrink(db, ground, whole, steps[Step.WAIT], times)
    if steps[Step.ASK]:
        matched = whole.only(steps[Step.ASK])
        counted = _for_counts(matched, [held_since(verdicts[place]) for place in steps[Step.ASK]], now)
        _ask_on(db, ground, whole, counted, bool(steps[Step.WAIT]), now, owing)
    elif not steps[Step.WAIT]:
        finish(db, whole.id)


def _steps(
    whole: Wave, present: Container[bytes], verdicts: Sequence[Answer], times: Times, now: int
) -> dict[Step, list[int]]:
    """Places of the members by what is next for them; members that are not `present` have none."""
    steps: dict[Step, list[int]] = defaultdict(list)
    for place, member in enumerate(whole.members):
        if member in present:
            steps[step_after(verdict_of(verdicts[place]), overdue=whole.deadline(member, times) <= now)].append(place)
    return steps


def _verdicts(db: Connection, ground: Ground, whole: Wave) -> list[Answer]:
    mine = select(question).where(
        question.c.wave == whole.id, question.c.kind == IDENTITY, question.c.partner == whole.carrier
    )
    return open_answers(ground, db.execute(mine.with_for_update()).one(), whole.members)


def _for_counts(matched: Wave, since: Sequence[str | None], now: int) -> Wave:
    """The matched members as a wave that asks for counts.

    From the verdict on, ID digits are kept only where the count itself is asked by them; beside the number, enterprises
    learn since when it is held, where the carrier told.
    """
    counted = replace(matched, stage=Stage.COUNT, carrier=None, made_at=now)
    if matched.service != INTERNET_ACCOUNTS:
        return counted
    told = tuple({"held_since": month} if month else {} for month in since)
    return replace(counted, identities=told if any(told) else None)


def _ask_on(
    db: Connection, ground: Ground, whole: Wave, counted: Wave, some_wait: bool, now: int, owing: Owing
) -> None:
    """Go on with the matched members: in the same row when nobody else stays behind in it, else in a new wave."""
    times = times_of(ground.catalogues.current(), whole.service)
    kept = {} if whole.service != INTERNET_ACCOUNTS else {"identity": None}
    if some_wait:
        counted = start_asking(db, ground, replace(counted, id=wave_ids.new(now)), now, owing)
        add_wave(db, ground, counted, times)
    else:
        if len(counted.members) < len(whole.members):
            close_questions(db, whole.id, IDENTITY)
        counted = start_asking(db, ground, counted, now, owing)
        rewrite_wave(db, ground, counted, times)
    move(db, counted.members, State.CHECKING, State.ASKING, wave=counted.id, asked_at=now, **kept)
