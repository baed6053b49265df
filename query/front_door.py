"""The door of pages and API, with what citizens do for others: check the budgets, call one verb."""

from dataclasses import dataclass, field

from query.access.budgets import Sender, submission_budgets
from query.access.sessions import Session
from query.helps.intake import parse_help, submit_help
from query.objection_door import ObjectionDoor


@dataclass(frozen=True)
class FilledHelp:
    """A helper's filled form, as typed."""

    helper: str = field(repr=False)
    code: str = field(repr=False)
    relative: str = field(repr=False)


class FrontDoor(ObjectionDoor):
    """The whole door."""

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
