"""The check that a person's device, and not a flood, asks for a code: proof of work in ALTCHA's format (version 1).

The challenge asks for the number from 0 to `maxnumber` whose SHA-256 together with `salt` is `challenge`. It names the
session and the number it is for, ends after two minutes and is good once; nothing is stored for it. The more codes are
asked for in the minute, the larger is `maxnumber`: a citizen's phone takes a second or so, a flood pays for each.
Sessions with an openid never meet it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from secrets import randbelow, token_hex
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from config.crypto.suites import hmac_equal
from config.ground import Ground
from query.access.budgets import Sender, web_budget
from query.access.errors import HumanCheckRequired
from query.access.limits import Limiter
from query.access.single_use import OnceOnly

LIFE_S: Final = 120
DOUBLINGS: Final = 5
"""How often `maxnumber` has doubled when the minute's share is used up."""

ALGORITHM: Final = "SHA-256"
LONGEST_ANSWER: Final = 2048
_PURPOSE: Final = "human-check"


class HumanCheck:
    """Makes challenges and checks what solved them. One a process."""

    def __init__(self, ground: Ground, limiter: Limiter) -> None:
        self._ground, self._limiter = ground, limiter
        self._once = OnceOnly(ground.redis, ground.keys)

    def require(self, sender: Sender, phone: str, answer: str | None) -> None:
        """Let a sender pass who needs no check or has passed it.

        `answer`: the solved challenge as base64 of its JSON. Raises HumanCheckRequired with a new challenge, and
        LimiterUnavailable.
        """
        if not self._is_needed(sender):
            return
        bound = self._bound_to(sender, phone)
        if answer is None or not self._passes(answer, bound):
            raise HumanCheckRequired(self._challenge(bound))

    def _is_needed(self, sender: Sender) -> bool:
        catalogue = self._ground.catalogues.current()
        entrance = catalogue.entrance(sender.session.entrance)
        switched_on = catalogue.human_check.kind != "off" and (entrance is None or entrance.human_check)
        if sender.identified or not switched_on:
            return False
        free = catalogue.human_check.free_per_minute
        return not free or self._limiter.spent(web_budget(catalogue), self._ground.clock.now()) >= free

    def _challenge(self, bound: str) -> dict[str, str | int]:
        catalogue = self._ground.catalogues.current()
        share = web_budget(catalogue)
        load = min(self._limiter.spent(share, self._ground.clock.now()) / share.allowed, 1.0)
        most = int(catalogue.human_check.maxnumber * 2 ** (DOUBLINGS * load))
        ends = self._ground.clock.now() // 1000 + LIFE_S
        salt = f"{token_hex(12)}?{urlencode({'expires': ends, 'for': bound})}&"
        challenge = _digest(salt, randbelow(most + 1))
        return {
            "algorithm": ALGORITHM,
            "challenge": challenge,
            "maxnumber": most,
            "salt": salt,
            "signature": self._sign(challenge).hex(),
        }

    def _passes(self, answer: str, bound: str) -> bool:
        solved = _parse(answer)
        if solved is None:
            return False
        number, salt, challenge, signature = solved
        told = parse_qs(salt.partition("?")[2])
        genuine = challenge == _digest(salt, number) and hmac_equal(self._sign(challenge), signature)
        if not genuine or told.get("for") != [bound]:
            return False
        left = int(told["expires"][0]) - self._ground.clock.now() // 1000
        return 0 < left <= LIFE_S and self._once.take(_PURPOSE, challenge, LIFE_S)

    def _sign(self, challenge: str) -> bytes:
        return self._ground.keys.mac(_PURPOSE, challenge)

    def _bound_to(self, sender: Sender, phone: str) -> str:
        return self._ground.keys.mac("human-check-for", sender.session.owner, phone)[:12].hex()


def _digest(salt: str, number: int) -> str:
    return sha256(f"{salt}{number}".encode()).hexdigest()


def _parse(answer: str) -> tuple[int, str, str, bytes] | None:
    """(number, salt, challenge, signature) of an answer; None for anything that is not one."""
    if len(answer) > LONGEST_ANSWER:
        return None
    try:
        told: Any = json.loads(b64decode(answer, validate=True))
        number, salt, challenge = told["number"], told["salt"], told["challenge"]
        signature = bytes.fromhex(told["signature"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    fits = isinstance(number, int) and not isinstance(number, bool) and isinstance(salt, str) and salt.endswith("&")
    return (number, salt, challenge, signature) if fits and isinstance(challenge, str) else None
