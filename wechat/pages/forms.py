"""The two forms without JavaScript: what was posted, what is wrong with it, and what the door said to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.errors import OneCertError
from query.access.door import FilledForm
from query.errors import QueryError
from query.inquiry import FORM_FIELDS
from query.intake.submission import PARSERS
from wechat.pages.texts import Words

SERVICES = FORM_FIELDS
TICKS: Mapping[str, str] = {"consent": "e.consent_missing", "consent_id": "e.consent_id_missing"}
"""The boxes of every form -> what is said of an empty one: the own number, and separately the ID (PIPL, article 29)."""

LONGEST = 200
LONGEST_CODE = 32
EMPTY = {
    "phone": "e.phone.empty",
    "id_tail": "e.tail.empty",
    "id_number": "e.id_number.empty",
    "name": "e.name.empty",
    "code": "e.code.empty",
}
FIELD_OF_CODE = {
    "phone_invalid": "phone",
    "id_tail_invalid": "id_tail",
    "id_number_invalid": "id_number",
    "name_invalid": "name",
    "consent_missing": "consent",
    "code_invalid": "code",
    "code_wrong": "code",
    "code_expired": "code",
}
PHONE_DIGITS = 11
TAIL_LENGTH = 6
MINUTE_MS = 60_000


@dataclass(frozen=True)
class CodeNote:
    """The code that was sent for a form, as the form itself remembers it: the masked number, two times in epoch ms.

    It comes back from the browser and is only shown, never believed.
    """

    phone: str = ""
    valid_until: int = 0
    resend_at: int = 0

    @property
    def text(self) -> str:
        """One line, for a hidden field."""
        return f"{self.phone} {self.valid_until} {self.resend_at}" if self.resend_at else ""

    @staticmethod
    def parse(text: str) -> CodeNote:
        """The note of such a line; an empty one for anything else."""
        found = re.fullmatch(r"(1\d{2}\*{4}\d{4})? (\d{1,13}) (\d{13})", text)
        return CodeNote(found[1] or "", int(found[2]), int(found[3])) if found else CodeNote()


@dataclass(frozen=True)
class Form:
    """A form as typed. `idempotency_key` stays the same for every try with this form; `asks_code`: which button.

    `choice`: a button that only changes the page, `size=elder`, `lang=en` or `privacy`. `human_check`: the solved
    challenge of a code that is asked for.
    """

    service: str
    session: str = field(repr=False)
    idempotency_key: str
    phone: str = field(default="", repr=False)
    id_tail: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    code: str = field(default="", repr=False)
    human_check: str = field(default="", repr=False)
    consent: bool = False
    consent_id: bool = False
    audience: str = ""
    asks_code: bool = False
    choice: str = ""
    sent: CodeNote = CodeNote()

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, in order."""
        return SERVICES[self.service]

    def filled(self) -> FilledForm:
        """Return what the door takes of it."""
        return FilledForm(
            service=self.service,
            phone=self.phone,
            code=self.code,
            consent=self.consent,
            id_tail=self.id_tail,
            name=self.name,
            id_number=self.id_number,
            idempotency_key=self.idempotency_key,
            audience=self.audience or None,
        )

    @property
    def whole_id(self) -> str:
        """The last six of a whole ID number that was typed where only they are asked for; or nothing."""
        signs = _signs(self.typed("id_tail")) if "id_tail" in self.fields else ""
        return signs[-TAIL_LENGTH:] if re.fullmatch(r"\d{17}[\dX]", signs) else ""

    def typed(self, name: str) -> str:
        """Return what was typed into a field."""
        return getattr(self, name) or ""


@dataclass(frozen=True)
class CodeView:
    """The line about the code that was sent: to `phone` (empty: no line), valid for `minutes`; `wait_s` to the next."""

    phone: str = ""
    minutes: int = 0
    wait_s: int = 0


def code_view(sent: CodeNote, now: int) -> CodeView:
    """The code's line at `now` (epoch ms)."""
    live = sent.phone if now < sent.valid_until else ""
    return CodeView(live, -(-(sent.valid_until - now) // MINUTE_MS), max(0, -(-(sent.resend_at - now) // 1000)))


def parse_form(service: str, posted: Mapping[str, str]) -> Form:
    """The form from a POST's body; a field that is missing is empty, one that is absurdly long is cut."""
    typed = {name: posted.get(name, "")[:LONGEST] for name in SERVICES[service]}
    return Form(
        service=service,
        session=posted.get("session", ""),
        idempotency_key=posted.get("key", "")[:LONGEST],
        consent=posted.get("consent") == "yes",
        consent_id=posted.get("consent_id") == "yes",
        audience=posted.get("audience", "")[:LONGEST_CODE],
        asks_code=posted.get("action") == "code",
        human_check=posted.get("human_check", ""),
        choice=posted.get("choice", ""),
        sent=CodeNote.parse(posted.get("sent", "")),
        **typed,
    )


def find_faults(form: Form, words: Words) -> dict[str, str]:
    """Everything that is wrong before anyone is asked: field -> what happened and what to do, in the page's order."""
    names = ("phone",) if form.asks_code else form.fields
    faults = {name: fault for name in names if (fault := _fault(name, form.typed(name), words))}
    if not form.asks_code:
        faults |= {tick: words(TICKS[tick]) for tick in TICKS if not getattr(form, tick)}
    return faults


def fault_of(error: OneCertError, form: Form, words: Words) -> dict[str, str]:
    """The door's refusal as a fault of one field; empty when it is about no field."""
    name = FIELD_OF_CODE.get(error.code, "")
    if error.code == "code_wrong":
        tries = int(error.extra.get("tries_left", 0))
        return {name: words.counted("e.code_wrong", tries) if tries else words("e.code_expired.tries")}
    if error.code == "code_expired":
        reason = error.extra.get("reason")
        return {name: words(f"e.code_expired.{reason}" if reason in ("missing", "tries") else "e.code_expired")}
    if name in PARSERS:
        return {name: _fault(name, form.typed(name), words) or words(f"e.{error.code}")}
    return {name: words(f"e.{error.code}")} if name else {}


def _fault(name: str, typed: str, words: Words) -> str:
    if not typed.strip():
        return words(EMPTY[name])
    if name not in PARSERS:
        return ""
    try:
        PARSERS[name](typed)
    except QueryError as error:
        return _length_fault(name, typed, words) or words(f"e.{error.code}")
    return ""


def _length_fault(name: str, typed: str, words: Words) -> str:
    """The one thing that can be counted for the citizen: too many or too few characters."""
    signs = _signs(typed)
    if name == "phone" and signs.isdigit():
        digits = len(re.sub(r"^(?:0086|86)(?=1)", "", signs))
        return "" if digits == PHONE_DIGITS else words("e.phone_invalid.length", n=digits)
    if name == "id_tail" and re.fullmatch(r"\d{17}[\dX]", signs):
        return words("e.id_tail_invalid.whole")
    missing = TAIL_LENGTH - len(signs)
    if name != "id_tail" or not missing or not re.fullmatch(r"[0-9]+X?", signs):
        return ""
    return words.counted("e.id_tail_invalid.short" if missing > 0 else "e.id_tail_invalid.long", abs(missing))


def _signs(typed: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", typed).upper())
