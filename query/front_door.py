"""The door of pages and API, with what citizens do for others: check the budgets, call one verb."""

from dataclasses import dataclass, field

from query.access.address_blocks import UNKNOWN, address_block
from query.access.budgets import HOUR_S, Sender, submission_budgets
from query.access.limits import Budget
from query.access.sessions import Session
from query.helps.intake import parse_help, submit_help
from query.objection_door import ObjectionDoor
from query.proofs.verdict import ShownCounts, Verdict, verify_counts, verify_text


@dataclass(frozen=True)
class FilledHelp:
    """A helper's filled form, as typed."""

    helper: str = field(repr=False)
    code: str = field(repr=False)
    relative: str = field(repr=False)


class FrontDoor(ObjectionDoor):
    """The whole door."""

    def verify(self, shown: str | ShownCounts, address: str) -> Verdict:
        """Return the verdict on a reply that somebody shows, as text or by its counts; nothing of it is kept.

        Raises LimitReached, and KeysUnavailable.
        """
        if (block := address_block(address)) != UNKNOWN:
            most = self._limits().verifications_per_address_hour
            self._spend([Budget("verifications_per_address_hour", (block,), most, HOUR_S)])
        return verify_text(self._ground, shown) if isinstance(shown, str) else verify_counts(self._ground, shown)

    def submit_help(self, session: Session, filled: FilledHelp, address: str) -> str:
        """Offer a relative the inquiry; return the offer's reference, the same whatever becomes of it.

        Raises the field's error, LimitReached, or what `helps.intake.submit_help` raises.
        """
        sender = Sender(session, address)
        with self._recorded("help", sender) as event:
            parsed = parse_help(
                self._ground,
                helper=self._phone(session, filled.helper),
                code=filled.code,
                relative=filled.relative,
                owner=session.owner,
            )
            event["phone"] = parsed.wanted.helper
            self._spend(submission_budgets(self._limits(), sender), session, parsed.wanted.submission)
            return submit_help(self._ground, parsed)
