"""The steps of objections and watches by name, as a worker and the clock run them.

    submit ─> follow ─> relay(carrier) ─> follow ─> relay(company) ─> follow ─> the gateway sends ─> record_outcome

Every step may run twice, or be killed anywhere; `sweep` finds what stands.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from config.errors import OneCertError
from config.ground import Ground
from config.telemetry.log import get_logger
from enterprises.protocol import Answer
from enterprises.request_protocol import Accepted, Finding
from query.asking.bulkheads import Bulkheads
from query.objections import follow as objections
from query.objections.follow import Objections, follow
from query.objections.upkeep import erase_objections, ring_for_requests
from query.requests.relay import Owner, record_findings, record_verdicts, relay
from query.watches import owner as watches_owner
from query.watches.owner import Watches
from query.watches.recount import recount
from query.watches.upkeep import erase_watches, follow_times

Told = TypeVar("Told")

MAX_THREADS: Final = 32
ID_DIGITS: Final = 32

_log = get_logger(__name__)

_OBJECTIONS: Final = Objections()
_WATCHES: Final = Watches()
OWNERS: Final[Mapping[str, Owner]] = {
    **dict.fromkeys(objections.KINDS, _OBJECTIONS),
    **dict.fromkeys(watches_owner.KINDS, _WATCHES),
}
"""The owner of each kind of request."""


def make_jobs(ground: Ground) -> Mapping[str, Callable[..., object]]:
    """Make the jobs that a worker may run: name -> step(argument of the ring, if any)."""
    bulkheads = Bulkheads(max_threads=MAX_THREADS)
    return {"relay": partial(relay_in_thread, ground, bulkheads), "follow": partial(follow_all, ground)}


def relay_in_thread(ground: Ground, bulkheads: Bulkheads, code: str) -> None:
    """Send what is due to a partner in a thread of its share, so that a slow partner keeps no worker from the others.

    With its share used up, the calls under way send what is due, or the sweep rings again.
    """
    partner = ground.catalogues.current().partner(code)
    if partner is None:
        return
    running = bulkheads.submit(partner, 0, partial(_relay_logged, ground, code))
    if running is not None:
        bulkheads.wait([running])


def _relay_logged(ground: Ground, code: str) -> None:
    """Nobody may be waiting for the result: what fails is logged here, and the leases run out."""
    try:
        relay(ground, code, OWNERS)
    except OneCertError as error:
        _log.warning("relay_failed", partner=code, error=type(error).__name__, detail=error.detail)
    except Exception:
        _log.exception("relay_broken", partner=code)


def follow_all(ground: Ground) -> None:
    """Take objections and watches with news as far as they go."""
    follow(ground)
    _WATCHES.follow(ground)


def record_reports(ground: Ground, partner: str, told: Mapping[str, Accepted | Finding]) -> int:
    """Record a partner's reports (request id -> state); returns how many ended. Unknown ids change nothing."""
    return record_findings(ground, partner, _by_number(told), OWNERS)


def record_called_back(ground: Ground, partner: str, told: Mapping[str, Answer]) -> int:
    """Record a carrier's verdicts that were called back about lookups of objections and watches."""
    return record_verdicts(ground, partner, _by_number(told), OWNERS)


def _by_number(told: Mapping[str, Told]) -> dict[bytes, Told]:
    """The ids that can be ours: 32 lower-case hexadecimal digits."""
    ours = {
        name: one for name, one in told.items() if len(name) == ID_DIGITS and not set(name) - set("0123456789abcdef")
    }
    return {bytes.fromhex(name): one for name, one in ours.items()}


SWEPT: Final[tuple[Callable[[Ground], object], ...]] = (
    ring_for_requests,
    follow_times,
    recount,
    erase_objections,
    erase_watches,
)
"""The parts of the sweep that are about objections and watches."""
