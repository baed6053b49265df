"""The verbs that both doors call, the JSON views and the pages: check the budgets, call one verb of query.

Order on submission: service, fields, consent, budgets, and only then the inquiry itself. So a typing error costs no
budget, and nothing that the budgets or the fields say depends on whether an inquiry or a code exists.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from config.catalogue.limits import Limits
from config.catalogue.schema import Partner, Service
from config.errors import OneCertError
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.telemetry.security_events import record
from query.access.address_blocks import UNKNOWN, address_block
from query.access.budgets import DAY_S, HOUR_S, MINUTE_S, Sender, code_budgets, submission_budgets
from query.access.endings import restore
from query.access.errors import EndingsForgotten, EntranceClosed, PlatformUnavailable, SessionInvalid
from query.access.forms import Credential, FilledForm, KnownPhone, OpenedSession
from query.access.human_check import HumanCheck
from query.access.limits import Budget, Limiter
from query.access.phone_tickets import PREFIX, build_phone_ticket, parse_phone_ticket
from query.access.recorded import recorded
from query.access.sessions import LogIn, Session, end_session, endings, open_session, read_session
from query.access.slots import Seats
from query.errors import ConsentMissing, NotFound, PhoneInvalid, ServiceUnknown
from query.intake.codes import CodeSent, request_code
from query.intake.contact import contact_key
from query.intake.fields import parse_phone
from query.intake.submission import Submission, parse_submission
from query.intake.submit import Accepted, submit
from query.progress import Progress, progress
from query.proofs.verdict import audience_name
from query.services import check_code_service
from query.settling.withdrawal import withdraw

__all__ = ["Credential", "Door", "FilledForm", "KnownPhone", "OpenedSession"]

SEATS, SEATS_OF_BLOCK = 12, 3
"""Who may wait for a mini program's platform at once, and of one address block: one that is silent must leave threads
to everybody else, and one address must leave seats."""
SEAT_WAIT_S = 0.5
"""For a seat of one's own address block: whoever sends many at once waits for the first of them."""
WRONG_CODE = 422


OnAccepted = Callable[[str, str | None, str], None]
"""Told (entrance, openid, reference) after an inquiry was accepted and committed; it must not raise."""


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
        self._seats, self._blocks = Seats(SEATS), Seats(SEATS_OF_BLOCK)
        self._human_check = HumanCheck(ground, self._limiter)

    def open_session(
        self, entrance: str, ticket: str | None, address: str, *, code: str | None = None
    ) -> OpenedSession:
        """Let a citizen in at an entrance. Raises what `sessions.open_session` raises, and LimitReached."""
        block = address_block(address)
        with recorded(self._ground, "session_open", entrance=self._known(entrance), address=block) as event:
            if block != UNKNOWN:
                allowed = self._limits().sessions_per_address_hour
                self._spend([Budget("sessions_per_address_hour", (block,), allowed, HOUR_S)])
            with self._login(entrance, block) if code is not None else nullcontext():
                opened = open_session(self._ground, entrance, ticket, code=code, log_in=self._log_in)
            session = opened[2]
            event["session"] = session.owner
            if code is not None:
                most = self._limits().logins_per_openid_hour
                self._spend([Budget("logins_per_openid_hour", session.person, most, HOUR_S)])
        return OpenedSession(*opened)

    def read_session(self, token: str, *, viewing: bool = False, spending: bool = False) -> Session:
        """The session of a token. Raises SessionInvalid.

        `viewing`: for looking at one's own inquiry only. `spending`: for `read_phone`, `request_code` or `submit`,
        which find out themselves whether it was ended.
        """
        try:
            return read_session(self._ground, token, viewing=viewing, spending=spending)
        except SessionInvalid as error:
            if token:
                record(self._ground.keys, "session_refused", outcome=error.code)
            raise

    def end_session(self, session: Session, *, viewing: bool = False) -> None:
        """Log out: none of the session's tokens opens anything any more, with `viewing` but its own inquiries."""
        with recorded(self._ground, "session_end", entrance=session.entrance, session=session.owner):
            end_session(self._ground, session, viewing=viewing)

    def read_phone(self, session: Session, credential: Credential) -> KnownPhone:
        """The number that the mini program's platform tells. Raises what `logins.read_phone` raises, LimitReached."""
        most = self._limits().phone_numbers_per_session_day
        self._spend([Budget("phone_numbers_per_session_day", session.person, most, DAY_S)], session)
        with self._seat(session.entrance):
            phone = self._read_phone(session, credential)
        ticket = build_phone_ticket(self._ground.keys, phone, session.person, self._ground.clock.now())
        return KnownPhone(mask_phone(phone), ticket)

    def request_code(
        self, session: Session, service: str, phone_text: str, address: str, human_check: str | None = None
    ) -> CodeSent:
        """Send a verification code. `human_check`: a solved challenge, as base64.

        Raises ServiceUnknown, PhoneInvalid, HumanCheckRequired, LimitReached, and 503s when it is not sent.
        """
        sender = Sender(session, address)
        check_code_service(self._ground.catalogues.current(), service)
        with self._recorded("code_request", sender) as event:
            phone = event["phone"] = self._claimed(self._phone(session, phone_text))
            self._open(session)
            self._human_check.require(sender, phone, human_check)
            send = self._spend(code_budgets(self._ground.catalogues.current(), sender, phone), session)
            return request_code(
                self._ground,
                service=service,
                phone=phone,
                owner=session.owner,
                identified=sender.identified,
                within=self._limits(),
                send=send,
            )

    def submit(self, session: Session, form: FilledForm, address: str) -> Accepted:
        """Accept an inquiry. Raises the field's error, ConsentMissing, LimitReached, or what query.submit raises."""
        sender = Sender(session, address)
        with self._recorded("submission", sender) as event:
            submission = parse_submission(
                self._service(form.service).code,
                form.fields(),
                entrance=session.entrance,
                owner=session.owner,
                idempotency_key=form.idempotency_key,
                contact_key=contact_key(self._ground.keys, session.sid),
                audience=self._audience(form.audience),
                parse_number=partial(self._phone, session),
            )
            event["phone"] = submission.phone
            if form.consent is not True:
                raise ConsentMissing("The citizen must agree to the privacy notice.")
            self._spend(submission_budgets(self._limits(), sender), session, self._name_of(submission))
            done = submit(self._ground, submission)
        self._on_accepted(session.entrance, session.openid, done.reference)
        return done

    def progress(self, session: Session, reference: str) -> Progress:
        """Return the progress of one's own inquiry. Raises NotFound, also for another's."""
        try:
            return progress(self._ground, reference, session.owner)
        except NotFound as error:
            record(self._ground.keys, "progress_refused", outcome=error.code, session=session.owner)
            raise

    def withdraw(self, session: Session, reference: str) -> None:
        """Take back one's own running inquiry. Raises NotFound, also for another's."""
        with recorded(self._ground, "withdrawal", entrance=session.entrance, session=session.owner):
            withdraw(self._ground, reference, session.owner)

    def services(self) -> tuple[Service, ...]:
        """The services that are open now."""
        return tuple(service for service in self._ground.catalogues.current().services if service.enabled)

    def partners(self) -> tuple[Partner, ...]:
        """Enabled enterprises and carriers, in the catalogue's order."""
        catalogue = self._ground.catalogues.current()
        return (*catalogue.enterprises(), *catalogue.carriers())

    @contextmanager
    def _login(self, entrance: str, block: str) -> Iterator[None]:
        """Around a login at a mini program's platform: seats for each address block, and few wrong codes from one.

        Raises PlatformUnavailable, and LimitReached; nothing was used up then.
        """
        allowed = self._limits().login_failures_per_address_minute
        failures = Budget("login_failures_per_address_minute", (block,), allowed, MINUTE_S)
        self._limiter.check(failures, self._ground.clock.now())
        with self._blocks.take(f"{entrance}|{block}", wait_s=SEAT_WAIT_S) as seated:
            if not seated:
                raise PlatformUnavailable("too many of one address wait for it already", spent=False)
            try:
                with self._seat(entrance):
                    yield
            except OneCertError as error:
                if error.status == WRONG_CODE:
                    self._limiter.note(failures, self._ground.clock.now())
                raise

    @contextmanager
    def _seat(self, entrance: str) -> Iterator[None]:
        """Around a call to a mini program's platform. Raises PlatformUnavailable; nothing was used up then."""
        with self._seats.take(entrance) as seated:
            if not seated:
                raise PlatformUnavailable("too many wait for it already", spent=False)
            yield

    @contextmanager
    def _recorded(self, event: str, sender: Sender) -> Iterator[dict[str, Any]]:
        session = sender.session
        with recorded(
            self._ground, event, entrance=session.entrance, address=sender.block, session=session.owner
        ) as told:
            yield told

    def _known(self, entrance: str) -> str:
        """The entrance's code, or a word for one that the catalogue does not have."""
        return entrance if self._ground.catalogues.current().entrance(entrance) is not None else "unknown"

    def _open(self, session: Session) -> None:
        """Raise EntranceClosed when the session's entrance was switched off after it was opened."""
        entrance = self._ground.catalogues.current().entrance(session.entrance)
        if entrance is not None and not entrance.enabled:
            raise EntranceClosed()

    def _claimed(self, phone: str) -> str:
        """The number. Raises PhoneInvalid when no carrier claims its prefix: nobody could be asked about it."""
        if not self._ground.catalogues.current().is_claimed(phone):
            raise PhoneInvalid("No carrier has numbers that begin like this.")
        return phone

    def _audience(self, code: str | None) -> str | None:
        """Return the audience of the reply, if there is one. Raises AudienceUnknown."""
        if not code:
            return None
        audience_name(self._ground.catalogues.current(), code)
        return code

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

    def _spend(self, budgets: list[Budget], session: Session | None = None, member: bytes | None = None) -> bool:
        """Spend, unless the session was ended; whether the quiet budgets had room.

        Raises SessionInvalid, LimitReached, LimiterUnavailable.
        """
        keys = self._ground.keys
        bars = endings(keys, session) if session is not None else None
        spend = partial(self._limiter.spend, budgets, member or secrets.token_bytes(16), self._ground.clock.now(), bars)
        try:
            return spend()
        except EndingsForgotten:
            restore(self._ground)
            return spend()

    def _name_of(self, submission: Submission) -> bytes:
        """The same for a retry of the same submission, so that it is counted once; a MAC, so that it tells nothing."""
        parts = (*submission.typed, submission.idempotency_key or "")
        return self._ground.keys.mac("submission-try", submission.owner, *parts)
