"""Ask a partner: one signed HTTP call, one answer for each item. The only HTTP of this folder.

This file does not retry: the retry schedule belongs to the question, which outlives this process. A failure of the call
as a whole becomes an EnterpriseError here; the log names partner and reason, never a number and never part of a body.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign
from config.errors import CallError, NotSentError, SecretMissing
from config.ground import Ground
from config.net.http_client import HttpResponse
from config.telemetry.log import get_logger
from config.telemetry.metrics import count_call
from config.times.formats import shanghai
from enterprises.circuit_breaker import FAULTY, record_result
from enterprises.content import PLAIN, build_content, parse_content
from enterprises.errors import EnterpriseError
from enterprises.keys import signing_keys
from enterprises.protocol import (
    PATH,
    Answer,
    Item,
    Parsed,
    Pending,
    build_request,
    parse_answer,
    parse_later,
    parse_retry_after,
)
from enterprises.request_protocol import PATH as REQUESTS_PATH
from enterprises.request_protocol import (
    ParsedRequests,
    RequestAnswer,
    RequestItem,
    build_requests,
    parse_requests,
)

# 2 KiB an item is ten times what an honest answer needs; 500 items make 1 MiB and a bit.
CAP_BASE: Final = 65_536
CAP_PER_ITEM: Final = 2_048
FAULTS_LOGGED: Final = 5

# The partner read the question and refused it as a whole, possibly because of one item.
REFUSING_STATUSES: Final = frozenset({400, 413, 422})

ParsedAnswer = TypeVar("ParsedAnswer", Parsed, ParsedRequests)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The result of one call: every asked id is in `by_id`. A later callback will name `batch`."""

    batch: str
    by_id: Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call that is to be made: its path, kind and number of items, and the time (epoch ms) that is signed."""

    path: str
    kind: str
    items: int
    now: int


def ask(
    ground: Ground,
    partner: Partner,
    kind: str,
    service: str,
    items: Sequence[Item],
    answer_by: int,
    now: int | None = None,
) -> LookupResult:
    """Ask `partner` about `items` in one call; `answer_by` in epoch ms. Takes at most `partner.total_s` seconds.

    `now` (epoch ms) is when the caller made sure that it may ask, by default this moment. The signature carries it, so
    a request that a frozen process sends later is refused as stale, and nobody is asked after the decision.

    Raises EnterpriseError when the call as a whole failed; `docs/lookup-protocol.md` section 8 lists its codes.
    """
    batch = str(uuid.uuid4())
    parsed = _exchange(
        ground,
        partner,
        Exchange(PATH, kind, len(items), now or ground.clock.now()),
        lambda: build_request(batch, kind, service, answer_by, items),
        lambda answer: _read(ground, answer, batch, items, kind, partner),
    )
    return LookupResult(batch, parsed.answers)


def send_requests(
    ground: Ground, partner: Partner, kind: str, items: Sequence[RequestItem], now: int
) -> Mapping[str, RequestAnswer]:
    """Send `items` of one kind to `partner` in one call; returns the answer of every id, Pending("later") after a 202.

    `now`, epoch ms, is signed. Raises EnterpriseError when the call as a whole failed.
    """
    batch = str(uuid.uuid4())
    parsed = _exchange(
        ground,
        partner,
        Exchange(REQUESTS_PATH, kind, len(items), now),
        lambda: build_requests(batch, kind, items),
        lambda answer: _read_requests(ground, answer, batch, items, kind, partner),
    )
    return parsed.answers


def _exchange(
    ground: Ground,
    partner: Partner,
    what: Exchange,
    build: Callable[[], bytes],
    read: Callable[[HttpResponse], ParsedAnswer],
) -> ParsedAnswer:
    """One call: built, posted, read, counted, noted for the breaker and logged."""
    started = time.monotonic()
    try:
        parsed = read(_post(ground, partner, what, build()))
    except EnterpriseError as error:
        count_call(partner.code, error.code, _ms_since(started))
        record_result(ground, partner, error.code)
        _log.warning(
            "partner_failed",
            partner=partner.code,
            kind=what.kind,
            items=what.items,
            code=error.code,
            reason=error.detail,
            ms=_ms_since(started),
        )
        raise
    count_call(partner.code, "faulty" if parsed.faults else "ok", _ms_since(started))
    record_result(ground, partner, FAULTY if parsed.faults else None)
    _log_answer(partner, what.kind, parsed, _ms_since(started))
    return parsed


def _post(ground: Ground, partner: Partner, what: Exchange, body: bytes) -> HttpResponse:
    """Make one call, again with the next key when the one in use is not accepted."""
    try:
        keys = signing_keys(ground, partner)
    except SecretMissing as error:
        raise EnterpriseError("the partner's key was never set", code="key_missing") from error
    for key_id, secret in keys:
        answer = _post_signed(ground, partner, what, body, key_id, secret)
        if answer.status != 401:
            break
    return answer


def _post_signed(
    ground: Ground, partner: Partner, what: Exchange, plain: bytes, key_id: str, secret: str
) -> HttpResponse:
    url = partner.base_url.rstrip("/") + what.path
    body, content_type = build_content(partner.seal, secret, key_id, plain)
    headers = sign(
        "POST",
        url,
        body,
        content_type=content_type,
        key_id=key_id,
        secret=secret,
        algorithm=partner.algorithm,
        now=what.now,
    )
    try:
        return ground.http.post(
            url,
            body,
            {**headers, "Accept": content_type},
            connect=partner.connect_s,
            read=partner.read_s,
            total=partner.total_s,
            cap=CAP_BASE + CAP_PER_ITEM * what.items,
            private=partner.allow_private,
        )
    except CallError as error:
        code = "unreachable" if isinstance(error, NotSentError) else "no_answer"
        code = "address_refused" if error.reason == "private" else code
        raise EnterpriseError(f"no answer: {error.reason}", code=code) from error


def _read(
    ground: Ground, answer: HttpResponse, batch: str, items: Sequence[Item], kind: str, partner: Partner
) -> Parsed:
    if answer.status not in (200, 202):
        _refuse_status(answer, ground.clock.now())
    body = open_content(ground, partner, answer.headers.get("Content-Type", ""), answer.body)
    asked = [item.id for item in items]
    if answer.status == 202:
        parse_later(body, batch=batch)
        return Parsed(dict.fromkeys(asked, Pending("later")), [])
    applications = frozenset(application.code for application in partner.counted)
    return parse_answer(body, batch=batch, asked=asked, kind=kind, applications=applications)


def _read_requests(
    ground: Ground, answer: HttpResponse, batch: str, items: Sequence[RequestItem], kind: str, partner: Partner
) -> ParsedRequests:
    if answer.status not in (200, 202):
        _refuse_status(answer, ground.clock.now())
    body = open_content(ground, partner, answer.headers.get("Content-Type", ""), answer.body)
    sent = [item.id for item in items]
    if answer.status == 202:
        parse_later(body, batch=batch)
        return ParsedRequests(dict.fromkeys(sent, Pending("later")), [])
    return parse_requests(body, batch=batch, sent=sent, kind=kind, today=shanghai(ground.clock.now()).date())


def open_content(ground: Ground, partner: Partner, content_type: str, body: bytes) -> bytes:
    """Return the JSON text that a partner sent, sealed or not as agreed; AnswerInvalid when it is not."""
    secrets = ground.secrets.both(f"{partner.code}.key") if partner.seal != PLAIN else ()
    return parse_content(partner.seal, secrets, content_type, body)


def _refuse_status(answer: HttpResponse, now: int) -> NoReturn:
    wait = parse_retry_after(answer.headers.get("Retry-After"), now)
    code = "slow_down" if answer.status == 429 else "bad_status"
    if answer.status in REFUSING_STATUSES:
        code = "question_refused"
    raise EnterpriseError(f"it answered {answer.status}", code=code, retry_after_s=wait)


def _log_answer(partner: Partner, kind: str, parsed: Parsed | ParsedRequests, ms: int) -> None:
    pending = sum(isinstance(answer, Pending) for answer in parsed.answers.values())
    facts = {"partner": partner.code, "kind": kind, "items": len(parsed.answers), "pending": pending, "ms": ms}
    if parsed.faults:
        _log.warning(
            "partner_faults", **facts, faults=len(parsed.faults), first="; ".join(parsed.faults[:FAULTS_LOGGED])
        )
    else:
        _log.debug("partner_answered", **facts)


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
