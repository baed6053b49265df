"""Budgets against SMS bombing, guessing and exhaustion: per number, session, address and for all together.

All budgets of a request are checked first and counted after, in one step inside Redis: a refused request costs none
of the others. A small budget is exact (a set of what was spent, each with its time); a large one counts in windows.
Keys and members are MACs: Redis never holds a number, an openid or an address. Without Redis nothing is allowed.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis, RedisError

from config.crypto.key_ring import KeyRing
from config.net.forwarded import parse_node
from query.access.errors import LimiterUnavailable, LimitReached, SessionInvalid

UNKNOWN = "unknown"
"""The block of an address that is not known: no budget is counted for it, for its clients would share it."""
EXACT_UP_TO = 50
"""Above this a budget is counted in windows; a set of that many members would cost more than its precision is worth."""

# KEYS: one a budget, then one a bar. ARGV: now ms, member, how many budgets, then (allowed, window ms) a budget, then
# the least number a bar holds to count. Answers {0, 0}; or, after counting nothing, {-1, 0} when it is barred, or
# {the budget that refuses longest, ms until it has room}.
_SPEND = f"""
local now, member, budgets = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local refused, longest = 0, 0
for i = budgets + 1, #KEYS do
  local held = tonumber(redis.call('GET', KEYS[i]))
  if held and held >= tonumber(ARGV[3 + budgets + i]) then return {{-1, 0}} end
end
local function budget(i) return tonumber(ARGV[2 * i + 2]), tonumber(ARGV[2 * i + 3]) end
local function counter(key, window) return key .. ':' .. math.floor(now / window) end
local function refuse(i, wait) if wait > longest then refused, longest = i, wait end end
for i = 1, budgets do
  local key, allowed, window = KEYS[i], budget(i)
  if allowed > {EXACT_UP_TO} then
    local spent = tonumber(redis.call('GET', counter(key, window)) or '0')
    if spent >= allowed then refuse(i, window - now % window) end
  else
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
    if redis.call('ZCARD', key) >= allowed and not redis.call('ZSCORE', key, member) then
      local oldest = redis.call('ZRANGE', key, -allowed, -allowed, 'WITHSCORES')
      refuse(i, oldest[2] and tonumber(oldest[2]) + window - now or window)
    end
  end
end
if refused > 0 then return {{refused, longest}} end
for i = 1, budgets do
  local key, allowed, window = KEYS[i], budget(i)
  if allowed <= {EXACT_UP_TO} then
    redis.call('ZADD', key, 'NX', now, member)
  else
    key = counter(key, window)
    redis.call('INCR', key)
  end
  redis.call('PEXPIRE', key, window)
end
return {{0, 0}}
"""


@dataclass(frozen=True)
class Budget:
    """`allowed` times in `window_s` seconds for whoever `who` names; `name` is what a refusal calls it."""

    name: str
    who: tuple[str, ...] = field(repr=False)
    allowed: int
    window_s: int


class Limiter:
    """Spends budgets in Redis. Stateless but for its connection; safe in any number of processes and threads."""

    def __init__(self, redis: Redis, keys: KeyRing) -> None:
        self._keys = keys
        self._script = redis.register_script(_SPEND)

    def spend(self, budgets: Sequence[Budget], member: bytes, now: int, bars: Mapping[str, int] | None = None) -> None:
        """Count one request against all budgets, or against none. `now` in epoch ms.

        `member` names the request: in an exact budget the same member counts once, so that a retry of the same
        submission is never refused by the budget that its first try filled. `bars` are a session's `endings`. Raises
        SessionInvalid when one of them has come, LimitReached, LimiterUnavailable.
        """
        bars = bars or {}
        budgets = [budget for budget in budgets if budget.who != (UNKNOWN,)]
        arguments: list[str | int | bytes] = [now, member.hex(), len(budgets)]
        for budget in budgets:
            arguments += [budget.allowed, budget.window_s * 1000]
        keys = [*(self._key(budget) for budget in budgets), *bars]
        refused, wait_ms = self._run(keys, [*arguments, *bars.values()])
        if refused < 0:
            raise SessionInvalid()
        if refused:
            raise LimitReached(budgets[refused - 1].name, max(1, math.ceil(wait_ms / 1000)))

    def _key(self, budget: Budget) -> str:
        return f"limit:{self._keys.mac('limit', budget.name, *budget.who)[:16].hex()}"

    def _run(self, keys: list[str], arguments: list[str | int | bytes]) -> tuple[int, int]:
        try:
            answer: Any = self._script(keys=keys, args=arguments)
        except RedisError as error:
            raise LimiterUnavailable() from error
        return int(answer[0]), int(answer[1])


def address_block(address: str) -> str:
    """Whoever one address may stand for: an IPv4 address, or an IPv6 /64, since one household is given a whole one.

    UNKNOWN when it cannot be read: such clients have no budget by address, and share none.
    """
    node = parse_node(address)
    if node is None or node.startswith("_"):
        return node or UNKNOWN
    parsed = ipaddress.ip_address(node)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
