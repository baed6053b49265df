"""What the pages ask of the front door: the same verbs, with the same budgets, that the JSON API calls.

A Protocol, because this folder may not know the API's: `app.py` hands the one Door to both. Refusals are OneCertErrors,
told apart by their `code` (INTERFACES, section 4).
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from query.codes import CodeSent
from query.progress import Progress
from query.submission import Accepted
from wechat.forms import Form


class Session(Protocol):
    """A citizen at an entrance; `fresh_token`, when there is one, replaces the token that was read."""

    @property
    def sid(self) -> bytes: ...
    @property
    def fresh_token(self) -> str | None: ...


S = TypeVar("S", bound=Session)
S_co = TypeVar("S_co", bound=Session, covariant=True)


class OpenedSession(Protocol[S_co]):
    """A new session and the token that stands for it."""

    @property
    def token(self) -> str: ...
    @property
    def session(self) -> S_co: ...


class Door(Protocol[S]):
    """The verbs. `address` is the client's, as seen behind the trusted proxies."""

    def open_session(self, entrance: str, ticket: str | None, address: str) -> OpenedSession[S]: ...
    def read_session(self, token: str, *, viewing: bool = False) -> S: ...
    def request_code(self, session: S, service: str, phone_text: str, address: str) -> CodeSent: ...
    def submit(self, session: S, form: Form, address: str) -> Accepted: ...
    def progress(self, session: S, reference: str) -> Progress: ...
