"""WeChat's API: wechatpy's `WeChatClient` with our token store, HTTP client and table of errcodes.

Official accounts and mini programs use the same class, and any other API of wechatpy is reached through it. Of
wechatpy's own, the token cache (a fetch in each process), the HTTP session (no timeouts) and the refresh (without end)
are replaced; its exceptions stop here.
"""

from __future__ import annotations

import re
import sys
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from redis import Redis
from wechatpy.client import WeChatClient as LibraryClient
from wechatpy.exceptions import WeChatClientException
from wechatpy.session import SessionStorage

from config.catalogue.fields import WECHAT_URL
from config.catalogue.schema import Entrance
from config.crypto.key_ring import KeyRing
from config.crypto.secrets import SecretStore
from config.errors import RedisUnavailable
from config.net.http_client import HttpClient
from config.platforms.access_tokens import FetchedToken, StoredToken, TokenStore
from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_apis import MiniProgramApi, OAuthApi, QuotaApi
from config.platforms.wechat_calls import CallPolicy, Terms
from config.platforms.wechat_errcodes import ErrcodeAction, action_for
from config.platforms.wechat_transport import Response, Transport
from config.times.clock import Clock

TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105  # nosec B105
TOKENLESS = (TOKEN_PATH, "/cgi-bin/clear_quota/v2", "/sns/")
"""Paths that take the app's secret, or a code, and no access token."""

ONCE = frozenset(
    {
        "/sns/oauth2/access_token",
        "/sns/jscode2session",
        "/wxa/business/getuserphonenumber",
        "/cgi-bin/message/subscribe/bizsend",
        "/cgi-bin/clear_quota",
        "/cgi-bin/clear_quota/v2",
    }
)
"""Calls that use something up, or reach a citizen: never repeated once they may have arrived."""

APP_SECRET = "{app_secret}"  # noqa: S105  # nosec B105
"""Stands for the app secret in a call until it is sent; the client itself holds none."""

SECRET_WRONG = 40125
LONGEST_TOKEN = 2048
LONGEST_LIFE_S = 7200
_RID = re.compile(r"rid: ?([0-9a-f-]{4,64})")


class Services(Protocol):
    """The parts of the Ground that a client needs."""

    @property
    def http(self) -> HttpClient: ...
    @property
    def redis(self) -> Redis: ...
    @property
    def keys(self) -> KeyRing: ...
    @property
    def secrets(self) -> SecretStore: ...
    @property
    def clock(self) -> Clock: ...


class TokenSession(SessionStorage):  # type: ignore[misc]
    """wechatpy's session on our token stores: one process fetches a token, and all share it."""

    def __init__(
        self, services: Services, name: str, fetch: Callable[[], FetchedToken], fetch_ticket: Callable[[], FetchedToken]
    ) -> None:
        self._name, self._fetch, self._fetch_ticket = name, fetch, fetch_ticket
        self._tokens = TokenStore(services.redis, services.keys, services.clock, "wechat-token")
        self._tickets = TokenStore(services.redis, services.keys, services.clock, "wechat-ticket")

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value that wechatpy keeps under this key."""
        if key.endswith("_jsapi_ticket"):
            return self.ticket().value
        if key.endswith("_jsapi_ticket_expires_at"):
            return sys.maxsize  # the store renews it
        return self.token().value if key.endswith("_access_token") else default

    def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        """Keep nothing: the stores hold what they fetched themselves."""

    def delete(self, key: str) -> None:
        """Delete nothing."""

    def token(self) -> StoredToken:
        """Return the access token in use. Raises PlatformRefused, PlatformAway, SecretMissing."""
        return self._kept(self._tokens, self._fetch)

    def ticket(self) -> StoredToken:
        """Return the jsapi_ticket in use. Raises as `token`."""
        return self._kept(self._tickets, self._fetch_ticket)

    def drop(self, kept: StoredToken) -> None:
        """Forget a token that an API refused, if it still is the one in use. Raises PlatformAway."""
        try:
            self._tokens.drop(self._name, kept)
        except RedisUnavailable as away:
            raise PlatformAway(away.detail, sent=False) from None

    def _kept(self, store: TokenStore, fetch: Callable[[], FetchedToken]) -> StoredToken:
        try:
            return store.get(self._name, fetch)
        except (PlatformAway, RedisUnavailable) as away:
            # The caller's own request has not left, whatever became of the one for the token.
            raise PlatformAway(away.detail, sent=False) from None


class WeChatClient(LibraryClient):  # type: ignore[misc]
    """The API of one app of the catalogue. Every call raises PlatformRefused, PlatformAway or SecretMissing."""

    session: TokenSession
    oauth = OAuthApi()
    quota = QuotaApi()
    wxa = MiniProgramApi()

    def __init__(
        self, services: Services, app: Entrance, terms: Terms, wait: Callable[[float], None] = time.sleep
    ) -> None:
        # Named by app and platform: a token of the sandbox is none of the real platform's.
        name = services.keys.mac("wechat app", app.platform_url, app.app_id).hex()[:32]
        session = TokenSession(services, name, self._fetch_token, self._fetch_ticket)
        super().__init__(app.app_id, APP_SECRET, session=session, auto_retry=False)
        self._http = Transport(services.http, terms)
        self._app, self._secrets = app, services.secrets
        self.policy = CallPolicy(services.redis, services.clock, app.code, name, terms, wait)

    def fetch_access_token(self) -> dict[str, Any]:
        """Return the token that all processes share; never a forced one (20 a day, and it ends everybody's)."""
        return {"access_token": self.session.token().value}

    def _request(self, method: str, url_or_endpoint: str, **words: Any) -> Any:
        base = words.pop("api_base_url", self.API_BASE_URL)
        whole = url_or_endpoint if url_or_endpoint.startswith("http") else base + url_or_endpoint
        path = whole.removeprefix(WECHAT_URL)
        url = whole if path == whole else self._app.platform_url.rstrip("/") + path
        attempt = partial(self._attempt, method, url, path, words)
        run = partial(self.policy.run, path, once=path in ONCE)
        if path.startswith(TOKENLESS):
            return run(partial(attempt, ""))
        kept = self.session.token()
        try:
            return run(partial(attempt, kept.value))
        except PlatformRefused as refused:
            if refused.action is not ErrcodeAction.REFRESH:
                raise
            self.session.drop(kept)
            fresh = self.session.token()
            if fresh.sealed == kept.sealed:
                raise
        return run(partial(attempt, fresh.value))

    def _attempt(self, method: str, url: str, path: str, words: Mapping[str, Any], token: str) -> Any:
        """One try, or two while the app secret changes over to its successor."""
        params = {**(words.get("params") or {}), **({"access_token": token} if token else {})}
        data = words.get("data")
        named = [*params.values(), *(data.values() if isinstance(data, dict) else ())]
        secrets = self._secrets.both(f"{self._app.code}.app_secret") if APP_SECRET in named else [""]
        for secret in secrets:
            # A list: wechatpy would put a token of its own into a dict that has none.
            sent = {**words, "params": list(_with_secret(params, secret).items())}
            if data is not None:
                sent["data"] = _with_secret(data, secret)
            try:
                return self._once(method, url, path, sent)
            except PlatformRefused as refused:
                wrong = refused.errcode == SECRET_WRONG or (path == TOKEN_PATH and refused.action is ErrcodeAction.STOP)
                if not wrong or secret == secrets[-1]:
                    raise
        raise AssertionError("the last secret returns or raises")

    def _once(self, method: str, url: str, path: str, words: Mapping[str, Any]) -> Any:
        try:
            return super()._request(method, url, **words)
        except WeChatClientException as fault:
            rid = _RID.search(str(fault.errmsg))
            action = action_for(fault.errcode, at_token=path == TOKEN_PATH)
            raise PlatformRefused(fault.errcode, action, rid[1] if rid else "") from None
        except (ValueError, TypeError, RecursionError):
            raise PlatformAway("WeChat's answer has no readable errcode.", sent=True) from None

    def _decode_result(self, res: Response) -> Any:
        answer = super()._decode_result(replace(res, content=res.content.removeprefix(BOM_UTF8)))
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, Response) and answer.is_file:
            return res
        raise PlatformAway("WeChat's answer is no JSON object.", sent=True)

    def _fetch_token(self) -> FetchedToken:
        asked = {"grant_type": "client_credential", "appid": self.appid, "secret": APP_SECRET, "force_refresh": False}
        return _fetched(self._request("post", "stable_token", data=asked), "access_token")

    def _fetch_ticket(self) -> FetchedToken:
        return _fetched(self.jsapi.get_ticket("jsapi"), "ticket")


def _with_secret(parts: Any, secret: str) -> Any:
    """The parts with the app secret where APP_SECRET stands for it."""
    if not isinstance(parts, dict):
        return parts
    return {name: secret if value == APP_SECRET else value for name, value in parts.items()}


def _fetched(answer: Mapping[str, Any], name: str) -> FetchedToken:
    value, seconds = answer.get(name), answer.get("expires_in")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TOKEN or not isinstance(seconds, int) or seconds < 1:
        raise PlatformAway(f"WeChat's answer has no usable {name}.", sent=True)
    return FetchedToken(value, min(seconds, LONGEST_LIFE_S))
