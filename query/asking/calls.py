"""Call a partner about claimed questions: one HTTP call, or several where it refuses the batch. No transaction is open.

The ids sent are the inquiries' own, so a partner sees that it is the same question when it is asked again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.catalogue.schema import Partner
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from enterprises import client
from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Pending
from query.asking.bisection import Items, ask_bisected
from query.asking.claims import PartnerCall
from query.asking.portions import choose_portion, find_poison
from query.inquiry import SECOND
from query.waves.answers import stored_answer
from query.waves.questions import COUNT, UNAVAILABLE, StoredAnswer
from query.waves.record import RecordedCall

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call: stored answers by inquiry, and the error that ended it.

    `portion`: it held only some of the items. `callback_after_s`: the partner announced a callback; leave it alone
    for this many seconds.
    """

    partner: Partner
    call: PartnerCall
    answers: Mapping[bytes, StoredAnswer] = field(default_factory=dict, repr=False)
    error: EnterpriseError | None = None
    portion: bool = False
    callback_after_s: float = 0

    @property
    def can_continue(self) -> bool:
        """True when the partner may be called again at once."""
        return self.error is None and bool(self.answers or not self.call.items)

    def recorded(self) -> RecordedCall:
        """The answers as `record_all` takes them."""
        lease = self.call.lease
        return RecordedCall(
            lease.partner,
            lease.kind,
            frozenset(lease.tries),
            self.answers,
            lease,
            retry_rest_now=len(self.answers) < len(self.call.items),
            callback_after_s=self.callback_after_s,
        )


def call_partner(ground: Ground, partner: Partner, call: PartnerCall) -> CallResult:
    """Get answers to a claimed call. No call is made to a disabled partner, nor about an item that kills workers."""
    if not call.items:
        return CallResult(partner, call)
    if not partner.enabled:
        return CallResult(partner, call, dict.fromkeys(call.items, _answer_of_disabled(call.lease.kind)))
    if (poison := find_poison(call)) is not None:
        _log.error("item_set_aside", partner=partner.code, kind=call.lease.kind, inquiry=poison.hex())
        return CallResult(partner, call, {poison: UNAVAILABLE})
    return _call(ground, partner, call)


def _call(ground: Ground, partner: Partner, call: PartnerCall) -> CallResult:
    lease, items = call.lease, choose_portion(call, partner.batch_size)

    def ask(some: Items) -> Mapping[str, Answer] | None:
        failpoint("ask.before_call")
        now = ground.clock.now()
        if now + partner.total_s * SECOND > lease.until:
            return None  # held up: the lease may end during the call, and another worker may have the questions
        return client.ask(ground, partner, lease.kind, lease.service, list(some.values()), call.answer_by, now).by_id

    answers, error = ask_bisected(ask, items, lease.failed)
    failpoint("ask.after_answer")
    later = any(isinstance(answer, Pending) and answer.later for answer in answers.values())
    return CallResult(
        partner,
        call,
        {inquiry: stored_answer(answer) for inquiry, answer in answers.items()},
        error,
        portion=len(items) < len(call.items),
        callback_after_s=partner.callback_s if later else 0,
    )


def _answer_of_disabled(kind: str) -> StoredAnswer:
    """The answer that stands for a partner that was switched off after it was to be asked."""
    return UNAVAILABLE if kind == COUNT else "not_ours"
