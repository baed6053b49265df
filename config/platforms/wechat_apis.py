"""APIs of WeChat that wechatpy lacks, as classes of its own kind."""

from __future__ import annotations

from typing import Any

from wechatpy.client.api import WeChatWxa
from wechatpy.client.api.base import BaseWeChatAPI

from config.catalogue.fields import WECHAT_URL
from config.platforms.errors import PlatformRefused
from config.platforms.wechat_errcodes import ErrcodeAction


class OAuthApi(BaseWeChatAPI):  # type: ignore[misc]
    """Page login; wechatpy's own `WeChatOAuth` has no timeouts and keeps tokens on itself."""

    API_BASE_URL = f"{WECHAT_URL}/"

    def exchange(self, code: str) -> dict[str, Any]:
        """Trade a page's code, which works once, for `openid`."""
        named = {"appid": self.appid, "secret": self.secret, "code": code, "grant_type": "authorization_code"}
        return dict(self._get("sns/oauth2/access_token", params=named))


class QuotaApi(BaseWeChatAPI):  # type: ignore[misc]
    """Daily quotas. WeChat allows ten clearances a month."""

    def read(self, path: str) -> dict[str, Any]:
        """Return the `daily_limit`, `used` and `remain` of one path, such as /cgi-bin/menu/create."""
        return dict(self._post("openapi/quota/get", data={"cgi_path": path}).get("quota", {}))

    def clear(self) -> None:
        """Set all counts of the day back, by the app's secret when no token is to be had any more."""
        try:
            self._post("clear_quota", data={"appid": self.appid})
        except PlatformRefused as refused:
            if refused.action is not ErrcodeAction.QUOTA:
                raise
            self._post("clear_quota/v2", data={"appid": self.appid, "appsecret": self.secret})


class MiniProgramApi(WeChatWxa):  # type: ignore[misc]
    """wechatpy's mini program API and the phone number, which it lacks."""

    def get_user_phone_number(self, code: str, openid: str) -> dict[str, Any]:
        """Trade the phone button's code, which works once, for `phone_info`."""
        return dict(self._post("wxa/business/getuserphonenumber", data={"code": code, "openid": openid}))
