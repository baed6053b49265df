"""Asking a partner: one signed HTTP call, one answer for each item. The only HTTP of this folder.

No retry in here: the retry schedule belongs to the question, which outlives this process. Whatever goes
wrong with the call as a whole becomes an EnterpriseError in this file; the log names partner and reason,
never a number and never a part of a body.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign
from config.errors import CallError, NotSentError, SecretMissing
from config.ground import Ground
from config.net.http_client import HttpResponse
from config.telemetry.log import get_logger
from config.telemetry.metrics import count_call
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

# 2 KiB an item is ten times what an honest answer needs; 500 items make 1 MiB and a bit.
CAP_BASE: Final = 65_536
CAP_PER_ITEM: Final = 2_048
FAULTS_LOGGED: Final = 5

# The partner read the question and wants none of it: one item may be to blame for all.
REFUSING_STATUSES: Final = frozenset({400, 413, 422})

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What one call brought: every asked id is in `by_id`. `batch` is what a later callback will name."""

    batch: str
    by_id: Mapping[str, Answer]


def ask(
    ground: Ground,
    partner: Partner,
    kind: str,
    service: str,
    items: Sequence[Item],
    answer_by: int,
    now: int | None = None,
) -> LookupResult:
    """Ask `partner` about `items` in one call; `answer_by` in epoch ms. Takes `partner.total_s` seconds at most.

    `now`, epoch ms, is when the caller made sure that it may ask, or this moment. The signature carries it: what a
    process that was frozen in between sends later is refused as stale, and so nobody is asked after the decision.

    Raises EnterpriseError when the call as a whole failed; `docs/lookup-protocol.md` section 8 lists its codes.
    """
    batch = str(uuid.uuid4())
    started = time.monotonic()
    try:
        body = build_request(batch, kind, service, answer_by, items)
        parsed = _read(
            ground, _post(ground, partner, body, len(items), now or ground.clock.now()), batch, items, kind, partner
        )
    except EnterpriseError as error:
        count_call(partner.code, error.code, _ms_since(started))
        record_result(ground, partner, error.code)
        _log.warning(
            "partner_failed",
            partner=partner.code,
            kind=kind,
            items=len(items),
            code=error.code,
            reason=error.detail,
            ms=_ms_since(started),
        )
        raise
    count_call(partner.code, "faulty" if parsed.faults else "ok", _ms_since(started))
    record_result(ground, partner, FAULTY if parsed.faults else None)
    _log_answer(partner, kind, parsed, _ms_since(started))
    return LookupResult(batch, parsed.answers)


def _post(ground: Ground, partner: Partner, body: bytes, items: int, now: int) -> HttpResponse:
    """The answer to one call, made again with the next key when the one in use is not accepted."""
    try:
        keys = signing_keys(ground, partner)
    except SecretMissing as error:
        raise EnterpriseError("the partner's key was never set", code="key_missing") from error
    for key_id, secret in keys:
        answer = _post_signed(ground, partner, body, items, key_id, secret, now)
        if answer.status != 401:
            break
    return answer


def _post_signed(
    ground: Ground, partner: Partner, plain: bytes, items: int, key_id: str, secret: str, now: int
) -> HttpResponse:
    url = partner.base_url.rstrip("/") + PATH
    body, content_type = build_content(partner.seal, secret, key_id, plain)
    headers = sign(
        "POST",
        url,
        body,
        content_type=content_type,
        key_id=key_id,
        secret=secret,
        algorithm=partner.algorithm,
        now=now,
    )
    try:
        return ground.http.post(
            url,
            body,
            {**headers, "Accept": content_type},
            connect=partner.connect_s,
            read=partner.read_s,
            total=partner.total_s,
            cap=CAP_BASE + CAP_PER_ITEM * items,
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


def open_content(ground: Ground, partner: Partner, content_type: str, body: bytes) -> bytes:
    """The JSON text that a partner sent, sealed or not as agreed; AnswerInvalid when it is not so."""
    secrets = ground.secrets.both(f"{partner.code}.key") if partner.seal != PLAIN else ()
    return parse_content(partner.seal, secrets, content_type, body)


def _refuse_status(answer: HttpResponse, now: int) -> NoReturn:
    wait = parse_retry_after(answer.headers.get("Retry-After"), now)
    code = "slow_down" if answer.status == 429 else "bad_status"
    if answer.status in REFUSING_STATUSES:
        code = "question_refused"
    raise EnterpriseError(f"it answered {answer.status}", code=code, retry_after_s=wait)


def _log_answer(partner: Partner, kind: str, parsed: Parsed, ms: int) -> None:
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
