"""The stable_token of WeChat's platforms in the sandbox, and the check of an app's secret."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Blueprint, Response, jsonify

from config.catalogue.schema import Catalogue
from config.crypto.secrets import SecretStore
from config.sandbox.wechat_platform import PlatformError, read_json

TOKEN_S = 7200
EARLY_S = 300
"""WeChat gives the same token until five minutes before its end."""


@dataclass
class StableTokens:
    """The access tokens of a played platform, and how often they were asked for. Threads share it."""

    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    fetches: int = 0
    forced: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def give(self, app_id: str, now: float, *, force: bool) -> tuple[str, int]:
        """Return the app's token at `now` (seconds), and the seconds left to it."""
        with self.lock:
            self.fetches += 1
            self.forced += force
            token, end = self.tokens.get(app_id, ("", 0.0))
            if force or end - now < EARLY_S:
                token, end = secrets.token_urlsafe(96), now + TOKEN_S
                self.tokens[app_id] = token, end
            return token, int(end - now)

    def end(self, app_id: str) -> None:
        """End the app's token, as when somebody reset the secret; the next fetch gives another."""
        with self.lock:
            self.tokens.pop(app_id, None)

    def known_app(self, token: str, now: float) -> str | None:
        """Return the app of a token that is good; None: nobody's."""
        with self.lock:
            for app_id, (known, end) in self.tokens.items():
                if secrets.compare_digest(known.encode(), token.encode()) and end > now:
                    return app_id
        return None

    def app_of(self, token: str, now: float) -> str:
        """Return the app of a token. Raises PlatformError 40001."""
        if (app_id := self.known_app(token, now)) is None:
            raise PlatformError(40001)
        return app_id


def add_stable_token(
    blueprint: Blueprint,
    path: str,
    tokens: StableTokens,
    check: Callable[[object, object], str],
    now: Callable[[], float],
) -> None:
    """Play stable_token at this path; `check` returns the app of an id and its secret, or raises PlatformError."""

    def stable_token() -> Response:
        asked = read_json()
        if asked.get("grant_type") != "client_credential":
            raise PlatformError(40002)
        app_id = check(asked.get("appid"), asked.get("secret"))
        token, left = tokens.give(app_id, now(), force=asked.get("force_refresh") is True)
        return jsonify(access_token=token, expires_in=left)

    blueprint.add_url_rule(path, "stable_token", stable_token, methods=["POST"])


def check_app(catalogue: Catalogue, known: SecretStore, app_id: object, secret: object) -> str:
    """Return the app id, if the catalogue has it and the secret is its own. Raises PlatformError.

    The platform knows one secret of an app: the successor, as soon as there is one.
    """
    if not secret:
        raise PlatformError(41004)
    for entrance in catalogue.entrances:
        if entrance.app_id and entrance.app_id == app_id:
            right = known.both(f"{entrance.code}.app_secret")[-1]
            if secrets.compare_digest(right.encode(), str(secret).encode()):
                return entrance.app_id
            raise PlatformError(40125)
    raise PlatformError(40013)
