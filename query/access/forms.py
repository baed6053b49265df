"""The values that doors hand to `Door` and get back from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from query.access.sessions import Session


@dataclass(frozen=True)
class FilledForm:
    """A filled form, as typed. A field that the service does not ask for is None."""

    service: str
    phone: str = field(repr=False)
    code: str = field(repr=False)
    consent: bool
    id_tail: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)
    audience: str | None = None

    def fields(self) -> dict[str, str | None]:
        """Return the typed fields by name."""
        return {name: getattr(self, name) for name in ("phone", "id_tail", "name", "id_number", "code")}


@dataclass(frozen=True)
class OpenedSession:
    """A new session and the token that stands for it; `expires_in` in seconds, counted from its last use."""

    token: str = field(repr=False)
    expires_in: int
    session: Session


@dataclass(frozen=True)
class KnownPhone:
    """A number that a platform told: masked for the eye, and a ticket that stands for it."""

    phone: str
    ticket: str = field(repr=False)


@dataclass(frozen=True)
class Credential:
    """The result of a platform's phone button: WeChat's `code`, or Alipay's `response` and `sign`."""

    code: str | None = field(default=None, repr=False)
    response: str | None = field(default=None, repr=False)
    sign: str | None = field(default=None, repr=False)
