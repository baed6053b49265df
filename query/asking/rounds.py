"""Rounds: calls to several partners side by side, made and completed by one worker.

Who runs a round: the thread that starts it. It waits as long as healthy partners take, records all answers that came
in one transaction, settles the waves, and runs the round of count questions that this brings. A slow partner's answer
is completed in the same way by the thread that waited for it. If the process dies, the leases run out and the
questions are asked again.

Waves that were checked at the same time share a round of count questions, as many as one call may hold.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache, partial

from config.catalogue.schema import Partner
from config.errors import OneCertError
from config.ground import Ground
from config.telemetry.log import get_logger
from config.times.opening_hours import opens_at
from enterprises import circuit_breaker
from enterprises.circuit_breaker import CallPermit
from query.asking.bulkheads import Bulkheads, Running
from query.asking.calls import CallResult, call_partner
from query.asking.claims import OwedItem, PartnerCall, lease_until, owed_items
from query.asking.results import record_results
from query.settling.advance import advance
from query.settling.after_commit import OwnedWave
from query.waves.questions import COUNT, IDENTITY, Lease
from query.waves.record import reschedule
from query.waves.waves import Wave

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PermittedCall:
    """A claimed call, and the permit to make it."""

    partner: Partner
    call: PartnerCall
    permit: CallPermit


class LocalAsker:
    """Runs the rounds of one worker process in its bulkheads."""

    def __init__(self, ground: Ground, bulkheads: Bulkheads) -> None:
        self._ground, self._bulkheads = ground, bulkheads

    def has_room(self, partner: Partner) -> bool:
        """Return whether this process can call the partner now."""
        return self._bulkheads.has_room(partner)

    def run(self, calls: Sequence[PermittedCall]) -> list[CallResult]:
        """Make calls of one kind side by side and complete those that come in time; return these results."""
        started = [running for one in calls if (running := self._start(one)) is not None]
        late = self._bulkheads.wait(started)
        for running in late:
            running.future.add_done_callback(self._complete_late)
        return self._complete([running.future.result() for running in started if running not in late])

    def _start(self, one: PermittedCall) -> "Running[_Made] | None":
        running = self._bulkheads.submit(one.partner, len(one.call.items), partial(self._make, one))
        if running is None:
            circuit_breaker.release(self._ground, one.partner, one.permit, used=False)
            self._put_back(one.call, self._ground.clock.now())
        return running

    def _make(self, one: PermittedCall) -> "_Made":
        """Make one call. After an unexpected error there is no result, and the lease runs out."""
        try:
            return _Made(one, call_partner(self._ground, one.partner, one.call))
        except OneCertError as error:
            _log.warning("call_failed", partner=one.partner.code, error=type(error).__name__, detail=error.detail)
        except Exception:
            _log.exception("call_broken", partner=one.partner.code)
        return _Made(one, None)

    def _complete(self, made: "Sequence[_Made]") -> list[CallResult]:
        """Record results together, settle the waves, and run the round of count questions that follows."""
        results = [one.result for one in made if one.result is not None]
        try:
            waves = record_results(self._ground, results)
            owned = advance(self._ground, waves, self._choose) if waves else []
        finally:
            permits = [(one.permitted.partner, one.permitted.permit) for one in made]
            circuit_breaker.release_all(self._ground, permits)
        smallest = min((partner.batch_size for partner in self._ground.catalogues.current().partners), default=1)
        for several in merge_by_batch_size(owned, smallest):
            self.run(self._permitted(self._count_calls(several)))
        return results

    def _complete_late(self, future: "Future[_Made]") -> None:
        """Complete a slow partner's call, in its own thread, and ring for what it may have left waiting."""
        made = future.result()
        partner, call = made.permitted.partner, made.permitted.call
        try:
            results = self._complete([made])
        except OneCertError as error:
            _log.warning("late_result_lost", partner=partner.code, error=type(error).__name__, detail=error.detail)
            return
        except Exception:
            _log.exception("late_result_broken", partner=partner.code)
            return
        if any(result.can_continue for result in results):
            rings = [("gather", None)] if call.lease.kind == IDENTITY else []
            more = [("ask", partner.code)] if call.leaves_more(partner.batch_size) else []
            self._ground.bell.ring_all([*rings, *more])

    def _choose(self, partners: Sequence[Partner]) -> Mapping[str, int]:
        """Select the partners that this process calls itself: code -> end of the lease (epoch ms)."""
        now = self._ground.clock.now()
        return {
            partner.code: lease_until(self._ground, partner)
            for partner in partners
            if opens_at(partner.closed, now) is None and self.has_room(partner)
        }

    def _count_calls(self, owned: Sequence[OwnedWave]) -> list[tuple[Partner, PartnerCall]]:
        """One call to each partner about all of these waves."""
        calls = []
        # All are owed the same items; only the deadlines differ, by the partner's closed hours.
        owed_by = cache(partial(_owed, self._ground))
        for code in dict.fromkeys(code for one in owned for code in one.leases):
            partner = self._ground.catalogues.current().partner(code)
            if partner is None:
                continue
            mine = [one for one in owned if code in one.leases]
            owed = [entry for one in mine for entry in owed_by(one.wave, tuple(partner.closed))]
            until = min(one.leases[code] for one in mine)
            lease = Lease(code, COUNT, mine[0].wave.service, {one.wave.id: 1 for one in mine}, until)
            calls.append((partner, PartnerCall.of(lease, owed)))
        return calls

    def _permitted(self, calls: Sequence[tuple[Partner, PartnerCall]]) -> list[PermittedCall]:
        """The calls that may be made now; the questions of the others are due again when they may."""
        permits = circuit_breaker.acquire_all(self._ground, [partner for partner, _ in calls])
        permitted = []
        for (partner, call), permit in zip(calls, permits, strict=True):
            if permit.granted:
                permitted.append(PermittedCall(partner, call, permit))
            else:
                self._put_back(call, permit.until or self._ground.clock.now())
        return permitted

    def _put_back(self, call: PartnerCall, due_at: int) -> None:
        reschedule(self._ground, call.lease, due_at)
        self._ground.bell.ring("ask", call.lease.partner)


@dataclass(frozen=True, slots=True)
class _Made:
    """A call that was made; without a result, something unexpected went wrong."""

    permitted: PermittedCall
    result: CallResult | None


def merge_by_batch_size(owned: Sequence[OwnedWave], most: int) -> list[list[OwnedWave]]:
    """Group waves into rounds: of one service, and of at most `most` inquiries, unless one wave alone has more."""
    rounds: list[list[OwnedWave]] = []
    for one in owned:
        fitting = next((several for several in rounds if _fits(several, one, most)), None)
        if fitting is None:
            rounds.append([one])
        else:
            fitting.append(one)
    return rounds


def _fits(several: Sequence[OwnedWave], one: OwnedWave, most: int) -> bool:
    members = sum(len(other.wave.members) for other in [*several, one])
    return several[0].wave.service == one.wave.service and members <= most


def _owed(ground: Ground, wave: Wave, closed: tuple[str, ...]) -> list[OwedItem]:
    return owed_items(ground, wave, COUNT, [None] * len(wave.members), closed)
