"""Choose the items of a claimed question that one call carries, and the item to set aside."""

from collections.abc import Mapping
from secrets import SystemRandom

from enterprises.protocol import Item
from query.asking.claims import PartnerCall
from query.waves.quarantine import carried, poison_of, portion_size
from query.waves.questions import ISOLATE_AFTER_TRIES

_CHANCE = SystemRandom()


def choose_portion(call: PartnerCall, batch: int) -> Mapping[bytes, Item]:
    """Return as many items as one call may hold, half as many after each further try that brought nothing.

    The choice is random, so that one item a partner cannot digest does not keep the others unanswered. After a lost
    lease it follows from the number of the try, so that the next worker knows what the dead one carried.
    """
    if call.lease.lost:
        size = min(batch, portion_size(call.lease.lost, len(call.items)))
        return {inquiry: call.items[inquiry] for inquiry in carried(call.items, _attempt(call), size)}
    halvings = max(call.lease.failed - ISOLATE_AFTER_TRIES + 1, 0)
    most = max(min(batch, len(call.items) >> halvings), 1)
    if len(call.items) <= most:
        return call.items
    return {inquiry: call.items[inquiry] for inquiry in _CHANCE.sample(sorted(call.items), most)}


def find_poison(call: PartnerCall) -> bytes | None:
    """Return the item that killed three workers in a row; None: there is none."""
    return poison_of(call.items, call.lease.lost, _attempt(call))


def _attempt(call: PartnerCall) -> int:
    """The number of the try: after a lost lease a question travels alone, so there is exactly one."""
    return max(call.lease.tries.values())
