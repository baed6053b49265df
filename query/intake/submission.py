"""A submission: the form of an inquiry, parsed once. Only the two functions below make one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from query.errors import ServiceUnknown
from query.inquiry import IDENTITY_FIELDS, INTERNET_ACCOUNTS
from query.intake.fields import parse_code, parse_id_number, parse_id_tail, parse_name, parse_phone

PARSERS: Final[Mapping[str, Callable[[str], str]]] = {
    "phone": parse_phone,
    "id_tail": parse_id_tail,
    "name": parse_name,
    "id_number": parse_id_number,
    "code": parse_code,
}
"""The parser of each field: a citizen's spelling in, one canonical form or an *Invalid out."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed form, in canonical spelling. `owner` is the MAC of the session; the door has checked consent.

    `code` is empty where another than the code proves that the phone is at hand (query/intake/vouched.py).
    """

    service: str
    entrance: str
    owner: bytes = field(repr=False)
    phone: str = field(repr=False)
    identity: Mapping[str, str] = field(repr=False)
    code: str = field(default="", repr=False)
    idempotency_key: str | None = field(default=None, repr=False)
    contact_key: bytes | None = field(default=None, repr=False)
    audience: str | None = None

    @property
    def typed(self) -> tuple[str, ...]:
        """Everything that was typed: two submissions of one session with the same values are one."""
        told = (self.audience,) if self.audience else ()
        return (self.service, self.phone, *self.identity.values(), self.code, *told)


def vouched_submission(*, entrance: str, phone: str, id_tail: str, owner: bytes, key: str) -> Submission:
    """Make the submission of a number that an entrance vouches for, in place of a code.

    `key`: two submissions with the same one are one. Raises PhoneInvalid or IdTailInvalid.
    """
    return Submission(
        service=INTERNET_ACCOUNTS,
        entrance=entrance,
        owner=owner,
        phone=parse_phone(phone),
        identity={"id_tail": parse_id_tail(id_tail)},
        idempotency_key=key,
    )


def parse_submission(
    service: str,
    fields: Mapping[str, str | None],
    *,
    entrance: str,
    owner: bytes,
    idempotency_key: str | None = None,
    contact_key: bytes | None = None,
    audience: str | None = None,
    parse_number: Callable[[str], str] = parse_phone,
) -> Submission:
    """Parse a form's fields, the number first and the code last.

    Raises ServiceUnknown, or the *Invalid of the first wrong field.

    `parse_number` may accept more than a typed number, such as a ticket that stands for one.
    """
    if service not in IDENTITY_FIELDS:
        raise ServiceUnknown("no such service")
    return Submission(
        service=service,
        entrance=entrance,
        owner=owner,
        phone=parse_number(fields.get("phone") or ""),
        identity={name: PARSERS[name](fields.get(name) or "") for name in IDENTITY_FIELDS[service]},
        code=parse_code(fields.get("code") or ""),
        idempotency_key=idempotency_key,
        contact_key=contact_key,
        audience=audience,
    )
