"""The verb of signed entrances: verify the call, accept the inquiry. No code is asked and no session opened.

The carrier's network shows which number calls, and a shop's machine has read the ID card. All else is as on the page:
the carrier is asked by the six characters, one inquiry per number in 24 hours, and the answer goes to it by SMS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Final, Literal

from sqlalchemy import Connection

from config import audit
from config.catalogue.schema import Entrance
from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceStore
from config.errors import SecretMissing
from config.ground import Ground
from query.access.errors import EntranceClosed
from query.access.recorded import recorded
from query.errors import ConsentMissing
from query.intake.submission import vouched_submission
from query.intake.submit import Accepted
from query.intake.vouched import accept_vouched

Kind = Literal["voice", "counter"]
STAR: Final = "*"
"""The key of a telephone that stands for X."""


@dataclass(frozen=True)
class SignedCall:
    """A call as it came in; nothing of it is believed before its signature is verified."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class SignedInquiry:
    """The content of a signed call. `shop` and `clerk`: who acts at a counter."""

    phone: str = field(repr=False)
    id_tail: str = field(repr=False)
    consent: bool
    idempotency_key: str | None = field(default=None, repr=False)
    shop: str = ""
    clerk: str = ""


class SignedDoor:
    """One a process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._nonces = NonceStore(ground.redis)

    def entrance_of(self, kind: Kind, call: SignedCall) -> Entrance:
        """Return the entrance of this kind that signed the call. Raises SignatureInvalid, EntranceClosed."""
        known = {one.key_id: one for one in self._ground.catalogues.current().entrances if one.kind == kind}
        with recorded(self._ground, "signed_call", entrance=kind):
            signer = verify(
                "POST",
                call.path,
                call.headers,
                call.body,
                secrets={key_id: self._secrets(one) for key_id, one in known.items()},
                now=self._ground.clock.now(),
                seen=self._nonces.seen,
            )
            entrance = known[signer]
            if not entrance.enabled:
                raise EntranceClosed()
        return entrance

    def submit(self, entrance: Entrance, filled: SignedInquiry) -> Accepted:
        """Accept the inquiry of a verified call; a counter's clerk and shop go into the audit with its reference.

        Raises PhoneInvalid, IdTailInvalid, ConsentMissing, TooSoon, IdempotencyConflict, ServiceUnknown,
        Unavailable.
        """
        submission = vouched_submission(
            entrance=entrance.code,
            phone=filled.phone,
            id_tail=filled.id_tail.replace(STAR, "X"),
            owner=self._ground.keys.mac("signed-owner", entrance.code),
            key=filled.idempotency_key or token_hex(16),
        )
        if filled.consent is not True:
            raise ConsentMissing("The citizen must agree to the privacy notice.")

        def note(db: Connection, reference: int) -> None:
            if filled.clerk:
                actor = f"{entrance.code}:{filled.shop}:{filled.clerk}"
                audit.record(db, self._ground, "inquiry.counter", str(reference), actor=actor)

        return accept_vouched(self._ground, submission, note)

    def _secrets(self, entrance: Entrance) -> list[str]:
        try:
            return self._ground.secrets.both(f"{entrance.code}.key")
        except SecretMissing:
            return []
