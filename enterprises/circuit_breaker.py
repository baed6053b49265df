"""Circuit breaker, concurrency and rate limit of each partner, shared by all workers in Redis.

The breaker opens after several failed calls in a row. While it is open no worker calls; then one call at a time is let
through (half-open) until one is answered. Permits keep to the agreed concurrency and calls a second. If Redis is
flushed, a partner is called once more than intended, and nothing else happens.

Keys: the hash `partner:<code>` (open_until, failed, opened, next_at, calls, errors, last_error), and the sorted set
`partner:<code>:permits` (token -> end in ms).
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from config.catalogue.schema import Partner
from config.ground import Ground
from config.telemetry.log import get_logger

KEPT_S: Final = 7 * 86_400
LONGEST_OPEN_S: Final = 300
PERMIT_MARGIN_S: Final = 5
"""Time to record the answer of a call. Not longer: the permit of a killed process is free only after it."""

# Whatever stands longer than we ever let it stand was written by somebody else, and holds up nobody.
# `now` is the deployment's clock, for the breaker; permits and the rate use Redis' own time.
_ACQUIRE: Final = """
local time = redis.call('TIME')
local real = time[1] * 1000 + math.floor(time[2] / 1000)
for n, wanted in ipairs({'hash', 'zset'}) do
  local found = redis.call('TYPE', KEYS[n]).ok
  if found ~= 'none' and found ~= wanted then redis.call('DEL', KEYS[n]) end
end
local open = tonumber(redis.call('HGET', KEYS[1], 'open_until') or '0') or 0
if open > tonumber(ARGV[1]) + tonumber(ARGV[6]) then
  redis.call('HSET', KEYS[1], 'open_until', 0)
  open = 0
end
if open > tonumber(ARGV[1]) then return {'open', open} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', real)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '(' .. (real + tonumber(ARGV[3])), '+inf')
local most = tonumber(ARGV[4])
if open > 0 then most = 1 end
if redis.call('ZCARD', KEYS[2]) >= most then return {'busy', 0} end
local interval = tonumber(ARGV[5])
if interval > 0 then
  local next = tonumber(redis.call('HGET', KEYS[1], 'next_at') or '0') or 0
  if next > real and next <= real + interval then return {'wait', next - real} end
  redis.call('HSET', KEYS[1], 'next_at', real + interval)
end
redis.call('ZADD', KEYS[2], real + tonumber(ARGV[3]), ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {'go', 0}
"""
_RECORD: Final = """
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('HINCRBY', KEYS[1], 'calls', 1)
if ARGV[2] == 'ok' or ARGV[2] == 'faulty' then
  redis.call('HSET', KEYS[1], 'failed', 0, 'open_until', 0, 'opened', 0)
  if ARGV[2] == 'ok' then return 0 end
end
redis.call('HINCRBY', KEYS[1], 'errors', 1)
redis.call('HSET', KEYS[1], 'last_error', ARGV[3], 'last_error_at', ARGV[1])
if ARGV[2] ~= 'failed' then return 0 end
if redis.call('HINCRBY', KEYS[1], 'failed', 1) < tonumber(ARGV[4]) then return 0 end
local opened = redis.call('HINCRBY', KEYS[1], 'opened', 1)
local pause = math.min(tonumber(ARGV[5]) * 2 ^ math.min(opened - 1, 10), tonumber(ARGV[7]))
redis.call('HSET', KEYS[1], 'open_until', tonumber(ARGV[1]) + math.floor(pause))
return 1
"""

# Errors of a partner that is up: it is busy, or one item is at fault.
HARMLESS: Final = frozenset({"slow_down", "question_refused", "question_invalid"})
FAULTY: Final = "answer_faulty"
"""The call was answered, but part of the answer was wrong: an error, though not a failed call."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallPermit:
    """A permit for one call; if not granted, when to ask again: at `until` (epoch ms) or in `wait_s`."""

    token: str = ""
    until: int | None = None
    wait_s: float | None = None

    @property
    def granted(self) -> bool:
        """True when the call may be made; `release` must follow."""
        return bool(self.token)


@dataclass(frozen=True, slots=True)
class PartnerHealth:
    """The health of a partner as `partner list` shows it: `breaker` is closed, open, half-open or unknown."""

    breaker: str = "closed"
    open_until: int | None = None
    calls: int = 0
    errors: int = 0
    last_error: str = ""


def acquire(ground: Ground, partner: Partner) -> CallPermit:
    """Acquire a permit for one call (breaker, concurrency, rate). Fails open when Redis is down."""
    return acquire_all(ground, [partner])[0]


def acquire_all(ground: Ground, partners: Sequence[Partner]) -> list[CallPermit]:
    """Acquire a permit for one call to each partner, in one round trip. Fails open when Redis is down."""
    tokens = [secrets.token_hex(8) for _ in partners]
    now = ground.clock.now()
    try:
        with ground.redis.pipeline(transaction=False) as pipeline:
            for partner, token in zip(partners, tokens, strict=True):
                lease = int((partner.total_s + PERMIT_MARGIN_S) * 1000)
                interval = round(1000 / partner.calls_per_s) if partner.calls_per_s else 0
                keys = (_partner_key(partner.code), _permits_key(partner.code))
                pipeline.eval(
                    _ACQUIRE, 2, *keys, now, token, lease, partner.concurrency, interval, LONGEST_OPEN_S * 1000
                )
            replies = pipeline.execute()
    except RedisError:
        return [CallPermit(token) for token in tokens]
    return [_permit(token, *reply) for token, reply in zip(tokens, replies, strict=True)]


def _permit(token: str, outcome: bytes | str, number: int) -> CallPermit:
    match _text(outcome):
        case "open":
            return CallPermit(until=int(number))
        case "wait":
            return CallPermit(wait_s=int(number) / 1000)
        case "busy":
            return CallPermit()
    return CallPermit(token)


def release(ground: Ground, partner: Partner, permit: CallPermit, *, used: bool = True) -> None:
    """Release a permit; an unused one does not count against the partner's rate."""
    release_all(ground, [(partner, permit)], used=used)


def release_all(ground: Ground, permits: Sequence[tuple[Partner, CallPermit]], *, used: bool = True) -> None:
    """Release permits, in one round trip."""
    try:
        with ground.redis.pipeline(transaction=False) as pipeline:
            for partner, permit in permits:
                pipeline.zrem(_permits_key(partner.code), permit.token)
                if partner.calls_per_s and not used:
                    pipeline.hset(_partner_key(partner.code), "next_at", 0)
            pipeline.execute()
    except RedisError:
        return


def record_result(ground: Ground, partner: Partner, error: str | None = None, *, called_back: bool = False) -> None:
    """Record how a call ended: answered, or with the code of an error. Callbacks never open the breaker."""
    harmless = error in HARMLESS or called_back
    outcome = "ok" if error is None else "faulty" if error == FAULTY else "harmless" if harmless else "failed"
    arguments = (ground.clock.now(), outcome, error or "", partner.breaker_failures, round(partner.breaker_s * 1000))
    try:
        opened = ground.redis.eval(_RECORD, 1, _partner_key(partner.code), *arguments, KEPT_S, LONGEST_OPEN_S * 1000)
    except RedisError:
        return
    if opened:
        _log.warning("breaker_open", partner=partner.code, code=error)


def partner_health(ground: Ground, partner: Partner) -> PartnerHealth:
    """Return a partner's health. After a flush it is that of a new partner; `unknown` while Redis does not answer."""
    return all_health(ground, [partner])[partner.code]


def all_health(ground: Ground, partners: Sequence[Partner]) -> dict[str, PartnerHealth]:
    """Return the health of partners by code, in one round trip: a Redis that hangs is waited for once."""
    try:
        with ground.redis.pipeline(transaction=False) as pipeline:
            for partner in partners:
                pipeline.hgetall(_partner_key(partner.code))
            kept = pipeline.execute()
    except RedisError:
        return {partner.code: PartnerHealth("unknown") for partner in partners}
    return {partner.code: _health(ground, one) for partner, one in zip(partners, kept, strict=True)}


def reset(ground: Ground, partner: Partner) -> None:
    """Forget failures, pauses and permits of a partner: it is called again at once. Raises RedisError."""
    ground.redis.delete(_partner_key(partner.code), _permits_key(partner.code))


def _health(ground: Ground, kept: Mapping[bytes | str, bytes | str]) -> PartnerHealth:
    stored = {_text(name): _text(value) for name, value in kept.items()}
    open_until = int(stored.get("open_until", "0"))
    breaker = "open" if open_until > ground.clock.now() else "half-open" if open_until else "closed"
    return PartnerHealth(
        breaker,
        open_until or None,
        int(stored.get("calls", "0")),
        int(stored.get("errors", "0")),
        stored.get("last_error", ""),
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _partner_key(code: str) -> str:
    return f"partner:{code}"


def _permits_key(code: str) -> str:
    return f"{_partner_key(code)}:turns"
