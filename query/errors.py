"""Errors about an inquiry that a citizen or a door may see.

    QueryError
    ├── PhoneInvalid, IdTailInvalid, IdNumberInvalid, NameInvalid   a field of the form (422)
    ├── ConsentMissing                                              the box was not ticked (422)
    ├── CodeInvalid, CodeWrong(tries_left), CodeExpired             the verification code (422)
    ├── TooSoon(retry_after)                                        second inquiry within 24 h (429)
    ├── IdempotencyConflict                                         same key, other submission (409)
    ├── ApplicationsMissing, ApplicationUnknown, ApplicationNotTaken   the ticks of an objection (422, 400, 422)
    ├── ObjectionOpen, NumberTooNew, ObjectionsUsedUp                 no objection of this number now (409, 429, 429)
    ├── AudienceUnknown                                               whom a reply is to be shown to (400)
    ├── RelativeInvalid, OwnNumber                                    not a relative's number (422)
    ├── HelpTooSoon, HelpsUsedUp(retry_after)                         no offer to this relative now (429)
    ├── ServiceUnknown, NotFound                                    nothing there for this session (404)
    ├── Unavailable(retry_after)                                    our fault; the same call is safe again (503)
    └── MovedElsewhere                                              a defect: a locked inquiry did not move (500)

The codes are those of docs/errors.md. No text here contains a number, an ID digit or a code.
"""

from typing import Final, Literal

from config.errors import OneCertError


class QueryError(OneCertError):
    """Base of this folder: an inquiry, or a request about one, is refused."""

    code = "query_failed"
    status = 500


class PhoneInvalid(QueryError):
    """Not a mainland mobile number."""

    code = "phone_invalid"
    status = 422


class IdTailInvalid(QueryError):
    """Not the last six characters of an ID number."""

    code = "id_tail_invalid"
    status = 422


class IdNumberInvalid(QueryError):
    """Not an 18-character ID number of GB 11643, or its check character is wrong."""

    code = "id_number_invalid"
    status = 422


class NameInvalid(QueryError):
    """Not a name as an ID card shows it."""

    code = "name_invalid"
    status = 422


class ConsentMissing(QueryError):
    """The citizen has not agreed to the use of number and ID."""

    code = "consent_missing"
    status = 422


class CodeInvalid(QueryError):
    """Not six digits, so none of our codes: it is not tried."""

    code = "code_invalid"
    status = 422


class CodeWrong(QueryError):
    """The code does not fit; `tries_left` more tries, 0 = a new code is needed."""

    code = "code_wrong"
    status = 422

    def __init__(self, tries_left: int) -> None:
        left = "" if tries_left else "; that was the last try, ask for a new one"
        super().__init__(f"the verification code does not fit{left}", tries_left=tries_left)
        self.tries_left = tries_left


class CodeExpired(QueryError):
    """No live code for this number, service and session.

    `reason`: `missing` (never sent), `old`, `tries` (five wrong ones), `used` (told only after the right code).
    """

    code = "code_expired"
    status = 422

    def __init__(self, reason: Literal["missing", "old", "tries", "used"] = "missing") -> None:
        super().__init__(_EXPIRED[reason], reason=reason)
        self.reason = reason


_EXPIRED: Final = {
    "missing": "no code was sent to this number in this session; ask for one",
    "old": "the code is too old; ask for a new one",
    "tries": "the code was tried five times and is of no use any more; ask for a new one",
    "used": "the code was used: its inquiry is accepted; ask for a new one to submit another",
}


class TooSoon(QueryError):
    """An inquiry for this number and service was accepted within 24 hours; reported only after a right code."""

    code = "too_soon"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("one inquiry per number and service in 24 hours", retry_after=retry_after)
        self.retry_after = retry_after


class IdempotencyConflict(QueryError):
    """The Idempotency-Key was used for another submission of this session, whose `reference` is told."""

    code = "idempotency_conflict"
    status = 409

    def __init__(self, reference: int) -> None:
        super().__init__("the key was used for another submission, which is accepted", reference=str(reference))


class ApplicationsMissing(QueryError):
    """No application is ticked."""

    code = "applications_missing"
    status = 422


class ApplicationUnknown(QueryError):
    """An application is none of the catalogue's."""

    code = "application_unknown"
    status = 400


class ApplicationNotTaken(QueryError):
    """The application's company takes no such requests; its guide is the way. `partner` names it."""

    code = "application_not_taken"
    status = 422

    def __init__(self, application: str, partner: str) -> None:
        super().__init__("this company takes no such requests", application=application, partner=partner)
        self.application = application
        self.partner = partner


class ObjectionOpen(QueryError):
    """An objection of this number is open; told only after a right code."""

    code = "objection_open"
    status = 409


class NumberTooNew(QueryError):
    """The carrier's records of this number's holder are not up to date yet; told only after a right code."""

    code = "number_too_new"
    status = 429

    def __init__(self, until: int, now: int) -> None:
        retry_after = -(-(until - now) // 1000)
        super().__init__("the number is too new", retry_after=retry_after)
        self.retry_after = retry_after


class ObjectionsUsedUp(QueryError):
    """The objections of this number's year are used up; told only after a right code."""

    code = "objections_used_up"
    status = 429


class RelativeInvalid(QueryError):
    """The relative's is no mainland mobile number."""

    code = "relative_invalid"
    status = 422


class AudienceUnknown(QueryError):
    """The audience of a verifiable reply is none of the catalogue's, or replies carry no code here."""

    code = "audience_unknown"
    status = 400


class OwnNumber(QueryError):
    """The relative's number is the helper's own: the ordinary inquiry is for that."""

    code = "own_number"
    status = 422


class HelpTooSoon(QueryError):
    """This helper has asked this relative within 30 days; told only after a right code."""

    code = "help_too_soon"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("one offer a helper and relative in 30 days", retry_after=retry_after)
        self.retry_after = retry_after


class HelpsUsedUp(QueryError):
    """This helper has asked three relatives within a day; told only after a right code."""

    code = "helps_used_up"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("three relatives a helper and day", retry_after=retry_after)
        self.retry_after = retry_after


class ServiceUnknown(QueryError):
    """No such service, or it is switched off."""

    code = "service_unknown"
    status = 404


class NotFound(QueryError):
    """No such inquiry, or not this session's, or older than 48 hours: the caller cannot tell which."""

    code = "not_found"
    status = 404


class Unavailable(QueryError):
    """The service cannot do it now; `retry_after` in seconds. Repeating the same call is safe."""

    code = "unavailable"
    status = 503

    def __init__(self, detail: str = "", retry_after: int = 5) -> None:
        super().__init__(detail or "the service is not available at the moment", retry_after=retry_after)
        self.retry_after = retry_after


class SchemaTooNew(QueryError):
    """The database's schema was made by a later release than this one."""

    code = "schema_too_new"


class MovedElsewhere(QueryError):
    """Fewer inquiries moved than were locked for it: the transaction must not commit."""

    code = "moved_elsewhere"
