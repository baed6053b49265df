"""The form of an objection: what was posted, what is wrong with it, and what the door said to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from config.errors import OneCertError
from query.access.sessions import Session
from query.objection_door import FilledObjection, ObjectionDoor
from query.objections.intake import AcceptedObjection
from wechat.pages.form_actions import Remarks, put_off
from wechat.pages.forms import Form, fault_of, find_faults, parse_form
from wechat.pages.texts import Words

WISHES = ("unbind", "dispute")
FIELDS_LIKE = "internet-accounts"
"""The form whose fields (number, ID tail, code) this one has, too."""
MOST_TICKS = 100
SECONDS_A_DAY = 86_400
APPLICATION_CODES = frozenset({"applications_missing", "application_unknown", "application_not_taken"})


@dataclass(frozen=True)
class Ticked:
    """The form as posted: the wish, the ticks, and the fields that it shares with an inquiry's."""

    wish: str
    applications: tuple[str, ...]
    form: Form

    def filled(self) -> FilledObjection:
        """Return what the door takes of it."""
        return FilledObjection(
            wish=self.wish,
            applications=self.applications,
            phone=self.form.phone,
            id_tail=self.form.id_tail or "",
            code=self.form.code,
            consent=self.form.consent,
            idempotency_key=self.form.idempotency_key or None,
        )


def empty_form(wish: str, session: str, key: str, applications: Sequence[str] = ()) -> Ticked:
    """A form that nobody has filled in yet."""
    return Ticked(wish, tuple(applications), Form(FIELDS_LIKE, session, idempotency_key=key))


def parse_ticked(posted: MultiDict[str, str]) -> Ticked:
    """The form from a POST's body; an unknown wish is a dispute, which every company finds out about."""
    wish = posted.get("wish", "")
    ticked = tuple(dict.fromkeys(posted.getlist("application")[:MOST_TICKS]))
    return Ticked(wish if wish in WISHES else "dispute", ticked, parse_form(FIELDS_LIKE, posted))


def with_session(ticked: Ticked, token: str) -> Ticked:
    """The form with a newer token of its session."""
    return replace(ticked, form=replace(ticked.form, session=token))


def submit(
    door: ObjectionDoor, session: Session, ticked: Ticked, address: str, words: Words, when: Mapping[str, str]
) -> AcceptedObjection | Remarks:
    """Submit the objection; `when` writes a time that is so many seconds ahead, under "when"."""
    faults = _faults(ticked, words)
    if faults:
        return Remarks(faults, summed_up=True)
    try:
        return door.submit_objection(session, ticked.filled(), address)
    except OneCertError as error:
        return _remarks(error, ticked, words, when["when"])


def _faults(ticked: Ticked, words: Words) -> dict[str, str]:
    faults = {} if ticked.applications else {"applications": words("e.ob.apps")}
    found = find_faults(ticked.form, words)
    return faults | ({**found, "consent": words("e.ob.consent")} if "consent" in found else found)


def _remarks(error: OneCertError, ticked: Ticked, words: Words, when: str) -> Remarks:
    if error.code in APPLICATION_CODES:
        return Remarks({"applications": words("e.ob.apps")})
    if error.code == "too_soon":
        return Remarks({"applications": words("e.ob.recent", when=when)})
    if error.code == "code_expired" and error.extra.get("reason") == "used":
        return Remarks(box="conflict")
    faults = fault_of(error, ticked.form, words)
    if faults:
        return Remarks(faults)
    if error.code == "idempotency_conflict":
        return Remarks(box="conflict", reference=str(error.extra["reference"]))
    return put_off(error, ticked.form)
