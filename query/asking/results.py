"""Record the results of calls: answers in one transaction, and the next try of those that brought none."""

from collections.abc import Sequence

from config.failpoints import failpoint
from config.ground import Ground
from query.asking.calls import CallResult
from query.inquiry import SECOND
from query.waves.record import postpone, record_all, release_lease


def record_results(ground: Ground, results: Sequence[CallResult]) -> list[int]:
    """Record results of calls of one kind; return the waves to settle. A call without an answer is made again later."""
    for result in results:
        if not result.answers:
            failpoint("ask.after_failure")
            _retry_later(ground, result)
    answered = [result.recorded() for result in results if result.answers]
    return record_all(ground, answered) if answered else []


def _retry_later(ground: Ground, result: CallResult) -> None:
    error, lease = result.error, result.call.lease
    wait = ((error.retry_after_s if error else None) or 0) * SECOND
    if wait:
        postpone(ground, lease.partner, ground.clock.now() + wait)
    release_lease(ground, lease, wait, portion=result.portion)
