"""The verbs that both doors call, the JSON views and the pages: check the budgets, call one verb of query.

Order on submission: service, fields, consent, budgets, and only then the inquiry itself. So a typing error costs no
budget, and nothing that the budgets or the fields say depends on whether an inquiry or a code exists.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from config.catalogue.schema import Limits, Partner, Service
from config.ground import Ground
from config.phone_numbers import mask_phone
from query.access.errors import PlatformUnavailable
from query.access.limits import Budget, Limiter, address_block
from query.access.phone_tickets import PREFIX, build_phone_ticket, parse_phone_ticket
from query.access.sessions import LogIn, Session, end_session, endings, open_session, read_session
from query.access.slots import Seats
from query.errors import ConsentMissing, ServiceUnknown
from query.intake.codes import CodeSent, request_code
from query.intake.fields import parse_code, parse_id_number, parse_id_tail, parse_name, parse_phone
from query.intake.submit import Accepted, Submission, submit
from query.progress import Progress, progress

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S
SEATS = 10
"""Who may wait for a mini program's platform at once: one that is silent must leave threads to everybody else."""


OnAccepted = Callable[[str, str | None, str], None]
"""Told (entrance, openid, reference) after an inquiry was accepted and committed; it must not raise."""


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


ReadPhone = Callable[[Session, Credential], str]
"""Return the eleven digits that a credential stands for; raise what the platform's login module raises."""


class Door:
    """One a process. `address` is always the client's as seen behind the trusted proxies."""

    def __init__(
        self,
        ground: Ground,
        log_in: LogIn,
        read_phone: ReadPhone,
        on_accepted: OnAccepted = lambda entrance, openid, reference: None,
    ) -> None:
        self._ground = ground
        self._log_in = log_in
        self._read_phone = read_phone
        self._on_accepted = on_accepted
        self._limiter = Limiter(ground.redis, ground.keys)
        self._seats = Seats(SEATS)

    def open_session(
        self, entrance: str, ticket: str | None, address: str, *, code: str | None = None
    ) -> OpenedSession:
        """Let a citizen in at an entrance. Raises what `sessions.open_session` raises, and LimitReached."""
        allowed = self._limits().sessions_per_address_hour
        self._spend([Budget("sessions_per_address_hour", (address_block(address),), allowed, HOUR_S)])
        with self._seat(entrance) if code is not None else nullcontext():
            token, expires_in, session = open_session(self._ground, entrance, ticket, code=code, log_in=self._log_in)
        if code is not None:
            most = self._limits().logins_per_openid_hour
            self._spend([Budget("logins_per_openid_hour", session.person, most, HOUR_S)])
        return OpenedSession(token, expires_in, session)

    def read_session(self, token: str, *, viewing: bool = False, spending: bool = False) -> Session:
        """The session of a token. Raises SessionInvalid.

        `viewing`: for looking at one's own inquiry only. `spending`: for `read_phone`, `request_code` or `submit`,
        which find out themselves whether it was ended.
        """
        return read_session(self._ground, token, viewing=viewing, spending=spending)

    def end_session(self, session: Session) -> None:
        """Log out: none of the session's tokens opens anything any more."""
        end_session(self._ground, session)

    def read_phone(self, session: Session, credential: Credential) -> KnownPhone:
        """The number that the mini program's platform tells. Raises what `logins.read_phone` raises, LimitReached."""
        most = self._limits().phone_numbers_per_session_day
        self._spend([Budget("phone_numbers_per_session_day", session.person, most, DAY_S)], session)
        with self._seat(session.entrance):
            phone = self._read_phone(session, credential)
        ticket = build_phone_ticket(self._ground.keys, phone, session.person, self._ground.clock.now())
        return KnownPhone(mask_phone(phone), ticket)

    def request_code(self, session: Session, service: str, phone_text: str, address: str) -> CodeSent:
        """Send a verification code. Raises ServiceUnknown, PhoneInvalid, LimitReached, and 503s when it is not sent."""
        wanted, phone = self._service(service), self._phone(session, phone_text)
        self._spend(_code_budgets(self._limits(), session, phone, address_block(address)), session)
        return request_code(self._ground, service=wanted.code, phone=phone, owner=session.owner)

    def submit(self, session: Session, form: FilledForm, address: str) -> Accepted:
        """Accept an inquiry. Raises the field's error, ConsentMissing, LimitReached, or what query.submit raises."""
        submission = _parse_form(self._service(form.service), form, session, self._phone)
        if form.consent is not True:
            raise ConsentMissing("The citizen must agree to the privacy notice.")
        budgets = _submission_budgets(self._limits(), session, address_block(address))
        self._spend(budgets, session, self._name_of(submission))
        done = submit(self._ground, submission)
        self._on_accepted(session.entrance, session.openid, done.reference)
        return done

    def progress(self, session: Session, reference: str) -> Progress:
        """How far one's own inquiry is. Raises NotFound, also for another's."""
        return progress(self._ground, reference, session.owner)

    def services(self) -> tuple[Service, ...]:
        """The services that are open now."""
        return tuple(service for service in self._ground.catalogues.current().services if service.enabled)

    def partners(self) -> tuple[Partner, ...]:
        """Enabled enterprises and carriers, in the catalogue's order."""
        catalogue = self._ground.catalogues.current()
        return (*catalogue.enterprises(), *catalogue.carriers())

    @contextmanager
    def _seat(self, entrance: str) -> Iterator[None]:
        """Around a call to a mini program's platform. Raises PlatformUnavailable; nothing was used up then."""
        with self._seats.take(entrance) as seated:
            if not seated:
                raise PlatformUnavailable("too many wait for it already", spent=False)
            yield

    def _limits(self) -> Limits:
        return self._ground.catalogues.current().limits

    def _phone(self, session: Session, text: str) -> str:
        """Eleven digits, from a number as typed or a phone's ticket. Raises PhoneInvalid, PhoneTicketInvalid."""
        if text.startswith(PREFIX):
            return parse_phone_ticket(self._ground.keys, text, session.person, self._ground.clock.now())
        return parse_phone(text)

    def _service(self, code: str) -> Service:
        service = self._ground.catalogues.current().service(code)
        if service is None:
            raise ServiceUnknown("There is no such service, or it is switched off.")
        return service

    def _spend(self, budgets: list[Budget], session: Session | None = None, member: bytes | None = None) -> None:
        """Spend, unless the session was ended. Raises SessionInvalid, LimitReached, LimiterUnavailable."""
        keys = self._ground.keys
        bars = endings(keys, session) if session is not None else None
        self._limiter.spend(budgets, member or secrets.token_bytes(16), self._ground.clock.now(), bars)

    def _name_of(self, submission: Submission) -> bytes:
        """The same for a retry of the same submission, so that it is counted once; a MAC, so that it tells nothing."""
        told = (submission.service, submission.phone, submission.id_tail, submission.name, submission.id_number)
        parts = [text or "" for text in (*told, submission.code, submission.idempotency_key)]
        return self._ground.keys.mac("submission-try", submission.owner, *parts)


def _parse_form(
    service: Service, form: FilledForm, session: Session, parse_number: Callable[[Session, str], str]
) -> Submission:
    """The form in canonical spelling, one field after the other in the order of the page."""
    asked = service.fields
    return Submission(
        service=service.code,
        entrance=session.entrance,
        owner=session.owner,
        phone=parse_number(session, form.phone),
        id_tail=parse_id_tail(form.id_tail or "") if "id_tail" in asked else None,
        name=parse_name(form.name or "") if "name" in asked else None,
        id_number=parse_id_number(form.id_number or "") if "id_number" in asked else None,
        code=parse_code(form.code),
        idempotency_key=form.idempotency_key,
    )


def _code_budgets(limits: Limits, session: Session, phone: str, address: str) -> list[Budget]:
    return [
        Budget("code_per_phone_gap", (phone,), 1, limits.code_per_phone_gap_s),
        Budget("codes_per_phone_day", (phone,), limits.codes_per_phone_day, DAY_S),
        Budget("codes_per_session_day", session.person, limits.codes_per_session_day, DAY_S),
        Budget("codes_per_address_hour", (address,), limits.codes_per_address_hour, HOUR_S),
        Budget("codes_overall_minute", (), limits.codes_overall_minute, MINUTE_S),
    ]


def _submission_budgets(limits: Limits, session: Session, address: str) -> list[Budget]:
    return [
        Budget("submissions_per_session_hour", session.person, limits.submissions_per_session_hour, HOUR_S),
        Budget("submissions_per_address_hour", (address,), limits.submissions_per_address_hour, HOUR_S),
        Budget("submissions_overall_minute", (), limits.submissions_overall_minute, MINUTE_S),
    ]
