"""A round: waves whose members are known to match put their questions to all partners side by side, in this process.

Waves that were checked at the same time share a round, as many as one call may hold, whichever carrier checked them.

What comes back as soon as from a healthy partner is recorded together, in one transaction; a slow partner's answer is
recorded by its own lane when it comes. Killed at any point, the leases run out and the questions are asked again.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

from config.catalogue.schema import Partner
from config.ground import Ground
from config.times.opening_hours import opens_at
from enterprises import circuit_breaker
from enterprises.protocol import Item
from query.asking.ask import Call, Heard, hear, lease_until, owed_items, record_heard, settle
from query.asking.bulkheads import Lanes
from query.settling.after_commit import Round
from query.waves.questions import COUNT, Lease
from query.waves.record import put_back
from query.waves.waves import Wave

LANES_EACH: Final = 4
"""Calls to one partner that a worker has under way at most."""


def lanes_of(partner: Partner) -> int:
    """How many calls to a partner one worker may have under way."""
    return min(partner.concurrency, LANES_EACH)


@dataclass(frozen=True, slots=True)
class _Part:
    """One partner's part of a round."""

    partner: Partner
    call: Call
    turn: circuit_breaker.Turn


@dataclass(slots=True)
class _Table:
    """Where the lanes lay down what they heard, as long as somebody waits for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    heard: list[tuple[_Part, Heard]] | None = field(default_factory=list)

    def lay(self, part: _Part, heard: Heard) -> bool:
        """False: nobody waits any more."""
        with self.lock:
            if self.heard is not None:
                self.heard.append((part, heard))
            return self.heard is not None

    def clear(self) -> list[tuple[_Part, Heard]]:
        """What was laid down; from now on nothing is."""
        with self.lock:
            heard, self.heard = self.heard or [], None
            return heard


class Rounds:
    """The rounds that one job has to run, in the lanes of its process. Several threads may add to them."""

    def __init__(self, ground: Ground, lanes: Lanes) -> None:
        self._ground, self._lanes = ground, lanes
        self._added: list[Round] = []
        self._lock = threading.Lock()
        self._left = False

    def take(self, partners: Sequence[Partner]) -> Mapping[str, int]:
        """Whom of these it asks itself: those that can be asked now. Code -> until when (epoch ms)."""
        now = self._ground.clock.now()
        return {
            partner.code: lease_until(self._ground, partner)
            for partner in partners
            if opens_at(partner.closed, now) is None and self._lanes.has_room(partner.code, lanes_of(partner))
        }

    def add(self, one: Round) -> None:
        """A round to run."""
        with self._lock:
            self._added.append(one)

    def run(self) -> None:
        """Run what was added. What is added from now on is for whoever adds it."""
        for several in self._shared(leave=True):
            self._run(several)

    def run_if_left(self) -> bool:
        """Run what was added after `run`; False: that is still to come."""
        if self._left:
            for several in self._shared():
                self._run(several)
        return self._left

    def _shared(self, *, leave: bool = False) -> list[list[Round]]:
        with self._lock:
            added, self._added, self._left = self._added, [], self._left or leave
        sizes = [partner.batch_size for partner in self._ground.catalogues.current().partners]
        return share(added, min(sizes, default=1))

    def _run(self, several: Sequence[Round]) -> None:
        parts, table = self._entered(self._calls(several)), _Table()
        steps = {part.partner.code: (lanes_of(part.partner), partial(self._step, part, table.lay)) for part in parts}
        without = self._lanes.run_beside(steps)
        self._recorded(table.clear())
        for part in parts:
            if part.partner.code in without:
                circuit_breaker.leave(self._ground, part.partner, part.turn, used=False)
                self._put_back(part.call, self._ground.clock.now())

    def _calls(self, several: Sequence[Round]) -> list[tuple[Partner, Call]]:
        """A call to each partner of a round."""
        calls = []
        # Everyone is owed the same, but that the time in which somebody's hours are closed does not count.
        owed_by = cache(partial(_owed, self._ground))
        for code in dict.fromkeys(code for one in several for code in one.leases):
            partner = self._ground.catalogues.current().partner(code)
            if partner is None:
                continue
            mine = [one for one in several if code in one.leases]
            owed = [entry for one in mine for entry in owed_by(one.wave, tuple(partner.closed))]
            until = min(one.leases[code] for one in mine)
            lease = Lease(code, COUNT, mine[0].wave.service, {one.wave.id: 1 for one in mine}, until)
            answer_by = min((end for *_, end in owed), default=0)
            calls.append((partner, Call(lease, {member: item for member, item, _ in owed}, answer_by)))
        return calls

    def _entered(self, calls: Sequence[tuple[Partner, Call]]) -> list[_Part]:
        """The calls that may be made now; the questions of the others are due again, when they may be."""
        turns = circuit_breaker.enter_all(self._ground, [partner for partner, _ in calls])
        parts = []
        for (partner, call), turn in zip(calls, turns, strict=True):
            if turn.granted and call.items:
                parts.append(_Part(partner, call, turn))
                continue
            if turn.granted:
                circuit_breaker.leave(self._ground, partner, turn, used=False)
            self._put_back(call, turn.until or self._ground.clock.now())
        return parts

    def _put_back(self, call: Call, due_at: int) -> None:
        put_back(self._ground, call.lease, due_at)
        self._ground.bell.ring("ask", call.lease.partner)

    def _step(self, part: _Part, lay: Callable[[_Part, Heard], bool]) -> None:
        """What a lane does: call, and leave what it heard to who waits; record it itself when nobody does."""
        try:
            heard = hear(self._ground, part.partner, part.call)
        except BaseException:
            circuit_breaker.leave(self._ground, part.partner, part.turn)
            raise
        if not lay(part, heard):
            self._recorded([(part, heard)])

    def _recorded(self, heard: Sequence[tuple[_Part, Heard]]) -> None:
        try:
            settle(self._ground, record_heard(self._ground, [one for _, one in heard]))
        finally:
            circuit_breaker.leave_all(self._ground, [(part.partner, part.turn) for part, _ in heard])


def share(rounds: Sequence[Round], most: int) -> list[list[Round]]:
    """Rounds that are run as one: of one service, and of at most so many inquiries, unless one alone has more."""
    shared: list[list[Round]] = []
    for one in rounds:
        beside = next((several for several in shared if _fits(several, one, most)), None)
        if beside is None:
            shared.append([one])
        else:
            beside.append(one)
    return shared


def _fits(several: Sequence[Round], one: Round, most: int) -> bool:
    members = sum(len(other.wave.members) for other in [*several, one])
    return several[0].wave.service == one.wave.service and members <= most


def _owed(ground: Ground, wave: Wave, closed: tuple[str, ...]) -> list[tuple[bytes, Item, int]]:
    return owed_items(ground, wave, COUNT, [None] * len(wave.members), closed)
