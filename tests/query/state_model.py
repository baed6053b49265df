"""The small reference model of an inquiry's life: what a submission must be told, and what may still be remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from query.errors import CodeExpired, CodeWrong, TooSoon
from query.inquiry import DAY, HOUR, INDEX_KEPT, MASKED_KEPT, PHONE_KEPT, SECOND
from query.intake.codes import CODE_LIFE_S, MAX_TRIES
from query.upkeep.retention import CODE_KEPT

ACCEPTED = "accepted"
PhoneHolder = tuple[str, bytes]
"""A number and the session that had the code."""

SLACK = HOUR
"""A sweep that was killed comes late."""

KEPT = ((MASKED_KEPT, "masked"), (PHONE_KEPT, "phone"), (PHONE_KEPT, "identity")) + tuple(
    (INDEX_KEPT, column) for column in ("phone_index", "owner", "submission", "fingerprint")
)


@dataclass
class Code:
    """The newest code of a number and session, as long as it is remembered."""

    code: str
    until: int
    tries: int = 0
    used: bool = False


@dataclass
class Model:
    """Codes, the day that each number has used, and every reference that was promised."""

    codes: dict[PhoneHolder, Code] = field(default_factory=dict)
    day: dict[str, int] = field(default_factory=dict)
    accepted: dict[tuple[str, bytes, str], tuple[str, int]] = field(default_factory=dict)

    def issue(self, phone: str, owner: bytes, code: str, now: int) -> None:
        """A code came; the one before counts no more."""
        self.codes[phone, owner] = Code(code, now + CODE_LIFE_S * SECOND)

    def expected(self, phone: str, owner: bytes, code: str, now: int) -> str:
        """Return a submission's outcome: a reference, `accepted` for a new one, or a refusal's code. It is spent."""
        reference, at = self.accepted.get((phone, owner, code), ("", 0))
        if reference and now - at < INDEX_KEPT:
            return reference
        known = self.codes[phone, owner]
        if known.tries >= MAX_TRIES or known.used or now >= known.until:
            return CodeExpired.code
        if code != known.code:
            known.tries += 1
            return CodeWrong.code
        known.used = True
        return TooSoon.code if now - self.day.get(phone, -DAY) < DAY else ACCEPTED

    def promise(self, phone: str, owner: bytes, code: str, reference: str, now: int) -> None:
        """A 202 was given. A repetition changes nothing."""
        if (phone, owner, code) not in self.accepted:
            self.day[phone] = now
            self.accepted[phone, owner, code] = (reference, now)

    def references(self) -> set[str]:
        """Every inquiry that there is."""
        return {reference for reference, _ in self.accepted.values()}


def kept_too_long(row: Any, now: int) -> list[str]:
    """Columns of an inquiry that should be empty by now."""
    age = now - row.accepted_at
    late = [column for limit, column in KEPT if age >= limit + SLACK and getattr(row, column) is not None]
    return [*late, *(["phone"] if row.state == 3 and row.phone is not None else [])]


def code_kept_too_long(row: Any, now: int) -> bool:
    """Return whether a code's row should be gone."""
    return bool(now - row.expires_at >= CODE_KEPT + SLACK)
