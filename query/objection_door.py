"""The door's verbs for objections and watches: check the budgets, call one verb."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from config.catalogue.schema import Objections, Partner
from query.access.address_blocks import UNKNOWN, address_block
from query.access.budgets import HOUR_S, Sender, submission_budgets
from query.access.door import Door
from query.access.limits import Budget
from query.access.sessions import Session
from query.errors import ConsentMissing, NotFound
from query.intake.contact import contact_key
from query.objections.intake import AcceptedObjection, ObjectionForm, parse_objection, submit_objection
from query.objections.progress import (
    ObjectionProgress,
    objection_progress,
    objection_progress_by_ending,
)
from query.progress import Progress, progress_by_ending
from query.watches.subscribe import turn_off_for_owner, turn_on_for_owner

LookedUp: TypeAlias = Progress | ObjectionProgress

REFERENCE = re.compile("[1-9][0-9]{11}", re.ASCII)


@dataclass(frozen=True)
class FilledObjection:
    """A filled form of an objection, as typed."""

    wish: str
    applications: Sequence[str]
    phone: str = field(repr=False)
    id_tail: str = field(repr=False)
    code: str = field(repr=False)
    consent: bool
    idempotency_key: str | None = field(default=None, repr=False)


class ObjectionDoor(Door):
    """The door of both doors, with what a citizen can do after a count."""

    def objections(self) -> Objections | None:
        """Return the terms on which objections are taken; None: they are not offered."""
        offered = self._ground.catalogues.current().objections
        return offered if offered is not None and offered.enabled else None

    def offers_objections(self) -> bool:
        """Return whether the catalogue offers objections."""
        return self.objections() is not None

    def submit_objection(self, session: Session, filled: FilledObjection, address: str) -> AcceptedObjection:
        """Accept an objection. Raises the field's error, ConsentMissing, LimitReached, or what submission raises."""
        form = ObjectionForm(
            wish=filled.wish,
            applications=filled.applications,
            entrance=session.entrance,
            owner=session.owner,
            phone=self._phone(session, filled.phone),
            id_tail=filled.id_tail,
            code=filled.code,
            idempotency_key=filled.idempotency_key,
        )
        parsed = parse_objection(self._ground, self._ground.catalogues.current(), form)
        if filled.consent is not True:
            raise ConsentMissing("The citizen must agree to the privacy notice.")
        # The key is a MAC of the whole form: a retry of the same submission is counted once.
        self._spend(submission_budgets(self._limits(), Sender(session, address)), session, parsed.key)
        return submit_objection(self._ground, form)

    def objection_progress(self, session: Session, reference: str) -> ObjectionProgress:
        """Return the progress of one's own objection. Raises NotFound, also for another's."""
        return objection_progress(self._ground, reference, session.owner)

    def turn_watch_on(self, session: Session, reference: str, address: str) -> None:
        """Turn on alerts for the number of one's own closed inquiry; the same for any other reference."""
        self._spend(submission_budgets(self._limits(), Sender(session, address)), session)
        if REFERENCE.fullmatch(reference):
            turn_on_for_owner(self._ground, reference, session.owner, contact_key(self._ground.keys, session.sid))

    def turn_watch_off(self, session: Session, address: str) -> None:
        """Turn off the alerts that this session turned on; the same without any."""
        self._spend(submission_budgets(self._limits(), Sender(session, address)), session)
        turn_off_for_owner(self._ground, session.owner)

    def look_up(self, reference: str, ending: str, address: str) -> LookedUp:
        """Find what a reference and the last four digits of its number stand for.

        Raises LimitReached, and NotFound for a wrong reference, a wrong ending and what is not kept any more alike.
        """
        if (block := address_block(address)) != UNKNOWN:
            self._spend([Budget("lookups_per_address_hour", (block,), self._limits().lookups_per_address_hour, HOUR_S)])
        found: LookedUp | None = None
        with suppress(NotFound):  # both are looked for in any case: no answer comes sooner than another
            found = progress_by_ending(self._ground, reference, ending)
        with suppress(NotFound):
            found = objection_progress_by_ending(self._ground, reference, ending)
        if found is None:
            raise NotFound("Nothing of this reference and ending is kept.")
        return found

    def looked_up_inquiry(self, reference: str) -> Progress:
        """The progress of an inquiry that was looked up before. Raises NotFound."""
        return progress_by_ending(self._ground, reference, None)

    def looked_up_objection(self, reference: str) -> ObjectionProgress:
        """The progress of an objection that was looked up before. Raises NotFound."""
        return objection_progress_by_ending(self._ground, reference, None)

    def companies(self) -> tuple[Partner, ...]:
        """The enterprises whose applications a form lists."""
        return self._ground.catalogues.current().enterprises()
