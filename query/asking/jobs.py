"""The pipeline's steps by name, as a worker runs them.

    submit ─> gather ─> advance ─> a round, or ask(partner) ─> advance ─> the gateway sends ─> record_outcome

Every step may run twice, or be killed anywhere; `sweep` finds what stands.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from config.ground import Ground
from enterprises import circuit_breaker
from query.asking.bulkheads import Bulkheads
from query.asking.claims import claim_call
from query.asking.gather import carriers_with_waiting, claim_waiting
from query.asking.gather_delay import GatherDelay
from query.asking.permits import acquire_permits
from query.asking.rounds import LocalAsker, PermittedCall
from query.settling.advance import advance

MAX_TURN_S: Final = 2.0
"""The time after which `ask` lets the other jobs of the queue run first."""

Jobs = Mapping[str, Callable[..., object]]


def make_jobs(ground: Ground, bulkheads: Bulkheads | None = None) -> Jobs:
    """Make the steps that a worker may run: name -> step(argument of the ring, if any)."""
    asker = LocalAsker(ground, bulkheads or Bulkheads())
    return {
        "gather": partial(gather, ground, asker, GatherDelay()),
        "ask": partial(ask, ground, asker),
        "advance": partial(advance, ground),
    }


def gather(ground: Ground, asker: LocalAsker, delay: GatherDelay) -> None:
    """Take waiting inquiries into waves and ask their carriers, until no carrier has a full batch waiting."""
    if (delay_s := delay.seconds(time.monotonic())) > 0:
        ground.bell.collect_rings("gather", delay_s)
    while True:
        calls = claim_waiting(ground, asker)
        delay.note(sum(len(one.call.items) for one in calls), time.monotonic())
        full = {one.partner.code for one in calls if one.call.lease.more}
        if full:
            ground.bell.ring("gather")  # another worker may be idle
        answered = {result.partner.code for result in asker.run(calls) if result.can_continue}
        if not full & answered:
            break
    # A claim passes over rows that another worker has locked; whoever ends last must not leave them to the sweep.
    if answered & carriers_with_waiting(ground).keys():
        ground.bell.ring("gather")


def ask(ground: Ground, asker: LocalAsker, partner_code: str) -> None:
    """Put the due questions to a partner, call by call, until none is due, a call fails, or the turn is over."""
    begun = time.monotonic()
    while (call := _claim(ground, asker, partner_code)) is not None:
        in_time = asker.run([call])
        if not any(result.can_continue for result in in_time) or not call.call.leaves_more(call.partner.batch_size):
            return
        if time.monotonic() - begun > MAX_TURN_S:
            ground.bell.ring("ask", partner_code)
            return


def _claim(ground: Ground, asker: LocalAsker, code: str) -> PermittedCall | None:
    """Claim what is due to a partner that may be called now."""
    partner = ground.catalogues.current().partner(code)
    if partner is None or not asker.has_room(partner):
        return None
    (permit,) = acquire_permits(ground, [partner], "ask")
    if not permit.granted:
        return None
    call = None
    try:
        call = claim_call(ground, partner)
    finally:
        if call is None:
            circuit_breaker.release(ground, partner, permit, used=False)
    return PermittedCall(partner, call, permit) if call is not None else None
