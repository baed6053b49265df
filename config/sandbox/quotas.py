"""The daily quotas of WeChat's platforms in the sandbox: reading them and setting them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, request

from config.sandbox.behaviour import Behaviour
from config.sandbox.wechat_platform import PlatformError, read_json

SIDE = "wechat"
DAILY_CALLS = 100_000
QUOTA_USED_UP = 45009


@dataclass(frozen=True)
class Quotas:
    """A platform's quotas.

    `app_of` and `check` return the app of a token, and of an id with its secret, or raise PlatformError. `count`
    returns how often a path was called, and `cleared` is called at each clearance.
    """

    behaviour: Behaviour
    app_of: Callable[[str], str]
    check: Callable[[object, object], str]
    count: Callable[[str], int] = lambda path: 0
    cleared: Callable[[], None] = lambda: None

    def add_to(self, blueprint: Blueprint, prefix: str = "") -> None:
        """Play the endpoints below `prefix`."""
        views = {"openapi/quota/get": self._read, "clear_quota": self._clear, "clear_quota/v2": self._clear_by_secret}
        for path, view in views.items():
            blueprint.add_url_rule(f"{prefix}/cgi-bin/{path}", view.__name__, view, methods=["POST"])

    def _read(self) -> Response:
        self.app_of(request.args.get("access_token", ""))
        used = self.count(str(read_json().get("cgi_path")))
        left = max(0, DAILY_CALLS - used)
        return jsonify(errcode=0, errmsg="ok", quota={"daily_limit": DAILY_CALLS, "used": used, "remain": left})

    def _clear(self) -> Response:
        if self.app_of(request.args.get("access_token", "")) != read_json().get("appid"):
            raise PlatformError(40013)
        return self._set_back()

    def _clear_by_secret(self) -> Response:
        asked = read_json()
        self.check(asked.get("appid"), asked.get("appsecret"))
        return self._set_back()

    def _set_back(self) -> Response:
        self.cleared()
        if self.behaviour.mode(SIDE)[0] == str(QUOTA_USED_UP):
            self.behaviour.set(SIDE, "ok")
        return jsonify(errcode=0, errmsg="ok")
