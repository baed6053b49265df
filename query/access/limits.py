"""Budgets against SMS bombing, guessing and exhaustion: per number, session, address and for all together.

All budgets of a request are checked first and counted after, in one step inside Redis: a refused request costs none
of the others. A small budget is exact (a set of what was spent, each with its time). A large one is counted in twelfths
of its window, and whatever lies within the window slides out of it a twelfth at a time. Keys and members are MACs:
Redis never holds a number, an openid or an address. Without Redis nothing is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

from redis import Redis, RedisError, ResponseError

from config.crypto.key_ring import KeyRing
from query.access.address_blocks import UNKNOWN
from query.access.endings import ALL_KNOWN
from query.access.errors import EndingsForgotten, LimiterUnavailable, LimitReached, SessionInvalid

BARRED, QUIET, FORGOTTEN = -1, -2, -3
EXACT_UP_TO = 50
"""Above this a budget is counted in parts of its window; a set of that many members would cost too much."""

PARTS = 12

# KEYS: one a budget, then one a bar and, after bars, the marker that says Redis knows them all. ARGV: now ms, member,
# how many budgets, then (allowed, window ms, quiet) a budget, then the least number a bar holds to count. Answers
# {0, 0}; or, after counting nothing, {-3, 0} without the marker, {-1, 0} when it is barred, or {the budget that refuses
# longest, ms until it has room}; or {-2, 0} when only quiet budgets have no room: then the others are counted.
# Whatever is of another type, or has no end, is not ours and is deleted.
_SPEND = f"""
local now, member, budgets = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local refused, longest, quiet = 0, 0, 0
local function typed(key, wanted)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and (found ~= wanted or redis.call('PTTL', key) == -1) then redis.call('DEL', key) end
end
if #KEYS > budgets and redis.call('EXISTS', KEYS[#KEYS]) == 0 then return {{-3, 0}} end
for i = budgets + 1, #KEYS - 1 do
  if redis.call('TYPE', KEYS[i]).ok ~= 'string' then redis.call('DEL', KEYS[i]) end
  local held = tonumber(redis.call('GET', KEYS[i]))
  if held and held >= tonumber(ARGV[3 + 2 * budgets + i]) then return {{-1, 0}} end
end
local function budget(i)
  return tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2]), ARGV[3 * i + 3] == '1'
end
local function refuse(i, wait) if wait > longest then refused, longest = i, wait end end
for i = 1, budgets do
  local key, allowed, window, silent = KEYS[i], budget(i)
  if allowed > {EXACT_UP_TO} then
    typed(key, 'hash')
    local size, spent, parts = window / {PARTS}, 0, {{}}
    local oldest, entries = math.floor(now / size) - {PARTS}, redis.call('HGETALL', key)
    for n = 1, #entries, 2 do
      local part, count = tonumber(entries[n]), tonumber(entries[n + 1])
      if part and count and part >= oldest and part <= oldest + {PARTS} then
        spent = spent + count
        parts[#parts + 1] = {{part, count}}
      else
        redis.call('HDEL', key, entries[n])
      end
    end
    if spent >= allowed then
      table.sort(parts, function(a, b) return a[1] < b[1] end)
      for n = 1, #parts do
        spent = spent - parts[n][2]
        if spent < allowed then
          refuse(i, (parts[n][1] + {PARTS} + 1) * size - now)
          break
        end
      end
    end
  else
    typed(key, 'zset')
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
    if redis.call('ZCARD', key) >= allowed and not redis.call('ZSCORE', key, member) then
      if silent then
        quiet = 1
      else
        local oldest = redis.call('ZRANGE', key, -allowed, -allowed, 'WITHSCORES')
        refuse(i, oldest[2] and tonumber(oldest[2]) + window - now or window)
      end
    end
  end
end
if refused > 0 then return {{refused, longest}} end
for i = 1, budgets do
  local key, allowed, window, silent = KEYS[i], budget(i)
  if not (silent and quiet > 0) then
    if allowed <= {EXACT_UP_TO} then
      redis.call('ZADD', key, 'NX', now, member)
      redis.call('PEXPIRE', key, window)
    else
      redis.call('HINCRBY', key, math.floor(now / (window / {PARTS})), 1)
      redis.call('PEXPIRE', key, 2 * window)
    end
  end
end
return {{-2 * quiet, 0}}
"""


@dataclass(frozen=True)
class Budget:
    """`allowed` times in `window_s` seconds for whoever `who` names; `name` is what a refusal calls it.

    `quiet`: nobody is told that it is used up, since strangers used it: what they ask for is accepted, and not done.
    Only exact budgets are.
    """

    name: str
    who: tuple[str, ...] = field(repr=False)
    allowed: int
    window_s: int
    quiet: bool = False


class Limiter:
    """Spends budgets in Redis. Stateless but for its connection; safe in any number of processes and threads."""

    def __init__(self, redis: Redis, keys: KeyRing) -> None:
        self._redis = redis
        self._keys = keys
        self._script = redis.register_script(_SPEND)

    def spend(
        self,
        budgets: Sequence[Budget],
        member: bytes,
        now: int,
        bars: Mapping[str, int] | None = None,
    ) -> bool:
        """Count one request against all budgets, or against none. `now` in epoch ms.

        `member` names the request: in an exact budget the same member counts once, so that a retry of the same
        submission is never refused by the budget that its first try filled. `bars` are a session's `endings`. Returns
        whether there was room in the `quiet` budgets, too. Raises SessionInvalid when the session has ended,
        LimitReached, EndingsForgotten when Redis was emptied, LimiterUnavailable.
        """
        bars = bars or {}
        budgets = [budget for budget in budgets if budget.who != (UNKNOWN,)]
        arguments: list[str | int | bytes] = [now, member.hex(), len(budgets)]
        for budget in budgets:
            arguments += [budget.allowed, budget.window_s * 1000, int(budget.quiet)]
        keys = [*(self._key(budget) for budget in budgets), *bars, *([ALL_KNOWN] if bars else [])]
        refused, wait_ms = self._run(keys, [*arguments, *bars.values()])
        if refused == FORGOTTEN:
            raise EndingsForgotten()
        if refused == BARRED:
            raise SessionInvalid()
        if refused > 0:
            raise LimitReached(budgets[refused - 1].name, max(1, math.ceil(wait_ms / 1000)))
        return refused != QUIET

    def check(self, budget: Budget, now: int) -> None:
        """Raise LimitReached when an exact budget has no room; nothing is counted. Raises LimiterUnavailable."""
        if self.spent(budget, now) >= budget.allowed:
            raise LimitReached(budget.name, budget.window_s)

    def note(self, budget: Budget, now: int) -> None:
        """Count once against an exact budget, whether it has room or not. Raises LimiterUnavailable."""
        with suppress(LimitReached):
            self.spend([budget], token_bytes(16), now)

    def spent(self, budget: Budget, now: int) -> int:
        """Return how often a budget was spent within its window, small or large. Raises LimiterUnavailable."""
        window, key = budget.window_s * 1000, self._key(budget)
        try:
            if budget.allowed <= EXACT_UP_TO:
                return int(self._redis.zcount(key, now - window + 1, "+inf"))
            told: Any = self._redis.hgetall(key)
        except ResponseError:  # of another type: `spend` deletes it
            return 0
        except RedisError as error:
            raise LimiterUnavailable() from error
        oldest = now * PARTS // window - PARTS
        return sum(int(count) for part, count in told.items() if part.isdigit() and int(part) >= oldest)

    def _key(self, budget: Budget) -> str:
        return f"limit:{self._keys.mac('limit', budget.name, *budget.who)[:16].hex()}"

    def _run(self, keys: list[str], arguments: list[str | int | bytes]) -> tuple[int, int]:
        try:
            answer: Any = self._script(keys=keys, args=arguments)
        except RedisError as error:
            raise LimiterUnavailable() from error
        return int(answer[0]), int(answer[1])
