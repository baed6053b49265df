"""Errors between us and a partner.

    EnterpriseError            a call to a partner failed as a whole
    ├── QuestionInvalid        the question could not be built (a defect of ours)
    ├── AnswerInvalid          the answer as a whole is not the protocol's
    ├── AnswersRefused         a callback is not the protocol's (its sender gets this error)
    └── PartnerUnknown         no such partner in the catalogue

`detail` names a reason and never a number, an ID digit or any part of a body.
"""

from config.errors import OneCertError


class EnterpriseError(OneCertError):
    """One call to one partner gave no answers at all. An item without an answer is a value (`Pending`), not an error.

    `retry_after_s`: the delay that the partner requested, in seconds, or None. `code`: one of the table in
    docs/lookup-protocol.md, section 8.
    """

    code = "partner_failed"
    status = 502

    def __init__(self, detail: str = "", *, code: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.code = code or type(self).code
        self.retry_after_s = retry_after_s


class QuestionInvalid(EnterpriseError):
    """The question lacks a field that its kind and service require, or the protocol has no such kind and service."""

    code = "question_invalid"
    status = 500


class AnswerInvalid(EnterpriseError):
    """The body is not strict JSON, not the protocol's shape, or answers another batch. Nothing of it is used."""

    code = "answer_invalid"


class AnswersRefused(EnterpriseError):
    """A callback is refused as a whole; none of it is used."""

    code = "answers_refused"
    status = 400


class PartnerUnknown(EnterpriseError):
    """The catalogue has no partner of this code."""

    code = "partner_unknown"
    status = 404

    def __init__(self, hint: str = "") -> None:
        # The requested code may be anything, even a number: it is not repeated.
        super().__init__(f"the catalogue has no such partner{hint}")
