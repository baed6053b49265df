"""`/login/<account>/<service>`: a page's way through WeChat's login and back; the files that prove our host."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request
from werkzeug.wrappers import Response

from config.ground import Ground
from query.access.door import Door
from wechat.accounts import official_accounts
from wechat.pages.forms import SERVICES
from wechat.pages.login.oauth import STATE_S, Arrive, Leave, PageLogin
from wechat.pages.visits import Visits
from wechat.platform.client import Platform

PATH = "/login"


def add_logins(blueprint: Blueprint, ground: Ground, door: Door) -> None:
    """Add the routes to the pages' blueprint."""
    logins = Logins(ground, door)
    blueprint.add_url_rule(f"{PATH}/<account>/<service>", "begin_login", logins.begin)
    blueprint.add_url_rule(f"{PATH}/<account>", "finish_login", logins.finish)
    blueprint.add_url_rule("/MP_verify_<name>.txt", "prove_host", logins.prove_host)


class Logins:
    """One method a route."""

    def __init__(self, ground: Ground, door: Door) -> None:
        self._ground = ground
        self._door = door
        self._login = PageLogin(ground, Platform(ground))
        self._visits = Visits(ground)
        self._cookie = "__Secure-onecert-login" if self._visits.secure else "onecert-login"

    def begin(self, account: str, service: str) -> Response:
        """To WeChat's login, or to the form at once."""
        if service not in SERVICES:
            abort(404)
        return self._go(self._login.begin(account, service, request.user_agent.string))

    def finish(self, account: str) -> Response:
        """Back from WeChat's login: to the form."""
        code, state = request.args.get("code", ""), request.args.get("state", "")
        return self._go(self._login.finish(account, code, state, request.cookies.get(self._cookie, "")))

    def prove_host(self, name: str) -> Response:
        """The file by which WeChat knows the host for ours; for a stranger's name it would make the host theirs."""
        accounts = official_accounts(self._ground.catalogues.current())
        if name not in {account.domain_proof for account in accounts if account.domain_proof}:
            abort(404)
        return Response(name, content_type="text/plain; charset=utf-8")

    def _go(self, step: Leave | Arrive | None) -> Response:
        """A redirect: to WeChat with a cookie, or to the form, in a new session if it is known who comes."""
        if isinstance(step, Leave):
            response = redirect(step.url, 303)
            secure = self._visits.secure
            response.set_cookie(
                self._cookie, step.cookie, max_age=STATE_S, path=PATH, httponly=True, secure=secure, samesite="Lax"
            )
            return response
        response = redirect(f"/{step.service}" if step else "/", 303)
        response.delete_cookie(self._cookie, path=PATH, secure=self._visits.secure, httponly=True, samesite="Lax")
        if step and step.ticket:
            address = request.remote_addr or ""
            self._visits.keep(response, self._visits.arrive(self._door, step.ticket, request, address))
        return response
