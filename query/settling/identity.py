"""Settle an identity wave by the carrier's verdicts, member by member; no member waits for another."""

from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from config.ground import Ground
from query.inquiry import INTERNET_ACCOUNTS, NextStep, State, Times, next_step
from query.models import question
from query.moves import move
from query.services import times_of
from query.settling.after_commit import AfterCommit
from query.settling.carriers import reroute
from query.settling.counts import start_counting
from query.settling.ending import end_unsuccessfully
from query.waves.answers import held_since, verdict_of
from query.waves.questions import IDENTITY, StoredAnswer, open_answers
from query.waves.wave_ids import wave_ids
from query.waves.waves import Stage, Wave, add_wave, close_questions, finish, lock_members, rewrite_wave, shrink


def settle_identity(db: Connection, ground: Ground, whole: Wave, now: int, after: AfterCommit) -> None:
    """Take each member of a locked identity wave as far as its verdict allows; undecided members stay in the wave."""
    times = times_of(ground.catalogues.current(), whole.service)
    verdicts = _verdicts(db, ground, whole)
    present = lock_members(db, ground, whole, State.CHECKING)
    places = _places_by_step(whole, present, verdicts, times, now)
    ended = {whole.members[place]: whole.phones[place] for place in places[NextStep.END]}
    elsewhere = {whole.members[place]: whole.phones[place] for place in places[NextStep.ELSEWHERE]}
    if elsewhere:
        ended |= reroute(db, ground, elsewhere, whole.carrier, after)
    if ended:
        end_unsuccessfully(db, ground, whole.service, ended, now)
        after.messages = True
    if places[NextStep.WAIT]:
        shrink(db, ground, whole, places[NextStep.WAIT], times)
    if places[NextStep.ASK]:
        matched = whole.only(places[NextStep.ASK])
        counted = _for_counts(matched, [held_since(verdicts[place]) for place in places[NextStep.ASK]], now)
        _start_counting(db, ground, whole, counted, bool(places[NextStep.WAIT]), now, after)
    elif not places[NextStep.WAIT]:
        finish(db, whole.id)


def _places_by_step(
    whole: Wave, present: Container[bytes], verdicts: Sequence[StoredAnswer], times: Times, now: int
) -> dict[NextStep, list[int]]:
    """Return the places of the members by next step; members that are not `present` have none."""
    places: dict[NextStep, list[int]] = defaultdict(list)
    for place, member in enumerate(whole.members):
        if member in present:
            places[next_step(verdict_of(verdicts[place]), overdue=whole.deadline(member, times) <= now)].append(place)
    return places


def _verdicts(db: Connection, ground: Ground, whole: Wave) -> list[StoredAnswer]:
    mine = select(question).where(
        question.c.wave == whole.id, question.c.kind == IDENTITY, question.c.partner == whole.carrier
    )
    return open_answers(ground, db.execute(mine.with_for_update()).one(), whole.members)


def _for_counts(matched: Wave, since: Sequence[str | None], now: int) -> Wave:
    """Return the matched members as a wave that asks for counts.

    From the verdict on, ID digits are kept only where partners count by them. Enterprises learn the number, and since
    when it is held if the carrier gave a date.
    """
    counted = replace(matched, stage=Stage.COUNT, carrier=None, made_at=now)
    if matched.service != INTERNET_ACCOUNTS:
        return counted
    dates = tuple({"held_since": month} if month else {} for month in since)
    return replace(counted, identities=dates if any(dates) else None)


def _start_counting(
    db: Connection, ground: Ground, whole: Wave, counted: Wave, some_wait: bool, now: int, after: AfterCommit
) -> None:
    """Ask for the matched members' counts: in the same row if no member stays in it, else in a new wave."""
    times = times_of(ground.catalogues.current(), whole.service)
    kept = {} if whole.service != INTERNET_ACCOUNTS else {"identity": None}
    if some_wait:
        counted = start_counting(db, ground, replace(counted, id=wave_ids.new(now)), now, after)
        add_wave(db, ground, counted, times)
    else:
        if len(counted.members) < len(whole.members):
            close_questions(db, whole.id, IDENTITY)
        counted = start_counting(db, ground, counted, now, after)
        rewrite_wave(db, ground, counted, times)
    move(db, counted.members, State.CHECKING, State.ASKING, wave=counted.id, asked_at=now, **kept)
