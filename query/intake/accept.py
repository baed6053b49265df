"""Turn submissions into inquiries in one transaction: codes used up, the 24 hours reserved, the rows stored.

Submissions of the same moment share a transaction, because its commit is the expensive part. Submissions that conflict
with another in the batch, or whose code row is locked, are excluded and decided one by one, so that one never delays or
fails another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, select

from config.failpoints import failpoint
from config.ground import Ground
from query.errors import CodeWrong, IdempotencyConflict, QueryError
from query.intake.codes import Code, PhoneHolder, count_wrong, lock_codes, try_code, use_up
from query.intake.daily_limit import Reservation, reserve
from query.models import inquiry
from query.moves import admit

Admission: TypeAlias = tuple[int, int] | QueryError
"""Decision on a submission: (reference, accepted at), or the error that refuses it. Both are committed."""

_EARLIER: Final = select(inquiry.c.submission, inquiry.c.fingerprint, inquiry.c.reference, inquiry.c.accepted_at).where(
    inquiry.c.submission.in_(bindparam("keys", expanding=True))
)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A submission that may become an inquiry, and the sealed row that it would be."""

    holder: PhoneHolder
    code: str = field(repr=False)
    row: dict[str, Any] = field(repr=False)
    client_key: bool = False
    """Whether the client chose the submission's key (Idempotency-Key)."""

    @property
    def accepted(self) -> Admission:
        """The admission when it becomes an inquiry."""
        return self.row["reference"], self.row["accepted_at"]


def accept_batch(db: Connection, ground: Ground, candidates: Sequence[Candidate]) -> list[Admission | None]:
    """Decide a batch. Return one Admission per candidate, or None where it must be decided alone.

    On IntegrityError nothing was written and all must be decided alone.
    """
    chosen = _without_conflicts(candidates)
    codes = lock_codes(db, [one.holder for one in chosen], wait=False)
    admissions = _accept(db, ground, [one for one in chosen if one.holder in codes], codes, look_at_all=False)
    return [admissions.get(one) for one in candidates]


def accept_one(db: Connection, ground: Ground, candidates: Sequence[Candidate]) -> list[Admission]:
    """Decide the one candidate, after every other submission of its holder."""
    codes = lock_codes(db, [one.holder for one in candidates], wait=True)
    admissions = _accept(db, ground, candidates, codes, look_at_all=True)
    return [admissions[one] for one in candidates]


def _without_conflicts(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that share neither number nor key with an earlier one."""
    numbers = {(one.holder.indexes, one.holder.service): one for one in reversed(candidates)}
    keys = {one.row["submission"]: one for one in reversed(candidates)}
    return [one for one in numbers.values() if keys[one.row["submission"]] is one]


def _accept(
    db: Connection,
    ground: Ground,
    candidates: Sequence[Candidate],
    codes: dict[PhoneHolder, Code],
    *,
    look_at_all: bool,
) -> dict[Candidate, Admission]:
    # A key the client chose is looked up before the code is. Otherwise a used key would make wrong tries free, and the
    # second transaction that only a right code takes would tell it.
    earlier = _earlier(db, [one for one in candidates if look_at_all or one.client_key])
    fresh = [one for one in candidates if one not in earlier]
    tries = {one: try_code(ground, codes.get(one.holder), one.code, one.row["accepted_at"]) for one in fresh}
    refused: dict[Candidate, Admission] = {one: why for one, why in tries.items() if why is not None}
    if not look_at_all:
        # The key of a submission without one is all that was typed: it is there already only if its code was used.
        earlier |= _earlier(db, [one for one in refused if not one.client_key])
    _store_tries(db, codes, {one: why for one, why in tries.items() if one not in earlier})
    opened = [one for one in fresh if one not in refused and one not in earlier]
    early = reserve(db, [Reservation(one.holder, one.row["id"], one.row["accepted_at"]) for one in opened])
    refused |= {one: early[one.row["id"]] for one in opened if one.row["id"] in early}
    accepted = {one: one.accepted for one in opened if one not in refused}
    admit(db, *(one.row for one in accepted))
    failpoint("submit.before_commit")
    return refused | earlier | accepted


def _store_tries(db: Connection, codes: dict[PhoneHolder, Code], tries: Mapping[Candidate, QueryError | None]) -> None:
    right = [one for one, why in tries.items() if why is None]
    if right:
        use_up(db, [codes[one.holder] for one in right], max(one.row["accepted_at"] for one in right))
    count_wrong(db, [codes[one.holder] for one, why in tries.items() if isinstance(why, CodeWrong)])


def _earlier(db: Connection, candidates: Collection[Candidate]) -> dict[Candidate, Admission]:
    """Return the references of candidates accepted before; a conflict where another submission has the key."""
    if not candidates:
        return {}
    rows = db.execute(_EARLIER, {"keys": [one.row["submission"] for one in candidates]})
    stored = {row.submission: row for row in rows}
    return {one: _same(stored[key], one) for one in candidates if (key := one.row["submission"]) in stored}


def _same(earlier: Any, candidate: Candidate) -> Admission:
    if earlier.fingerprint != candidate.row["fingerprint"]:
        return IdempotencyConflict(earlier.reference)
    return earlier.reference, earlier.accepted_at
