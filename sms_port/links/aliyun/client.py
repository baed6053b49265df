"""Aliyun's SDK over our own outgoing HTTP: it builds and signs the calls, and never repeats one.

Its own transport has no total deadline and no size cap, follows redirects, obeys proxies of the environment, and tells
no one whether a byte had left when a call failed. The parameters, a phone number among them, go in the body: an
address ends up in too many logs.
"""

from __future__ import annotations

import json
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.request import DaraRequest

from config.catalogue.links import Link as LinkEntry
from config.ground import Ground

ALGORITHM = "ACS3-HMAC-SHA256"
FORM = "application/x-www-form-urlencoded"
ANSWER_BYTES = 256 * 1024


class Refusal(Exception):
    """Response other than success: the HTTP status, and the vendor's code ("" when the body has none)."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status, self.code = status, code


class AliyunClient(Client):  # type: ignore[misc]
    """One account. Calls raise Refusal, what outgoing HTTP raises, or ValueError for an answer that cannot be read."""

    def __init__(self, ground: Ground, entry: LinkEntry) -> None:
        secret, place = ground.secrets.get(f"{entry.code}.key"), urlsplit(entry.url)
        super().__init__(Config(access_key_id=entry.account, access_key_secret=secret, endpoint=place.netloc))
        self._ground, self._entry, self._secret = ground, entry, secret

    def call_api(self, params: Any, request: Any, runtime: Any) -> dict[str, Any]:
        """Make one signed call; the SDK comes here with what it has made of `send_sms` and the like."""
        body = Utils.to_form(request.query).encode()
        signed = self._sign(params.action, params.version, body)
        entry = self._entry
        answer = self._ground.http.post(
            f"{entry.url.rstrip('/')}/",
            body,
            signed,
            connect=entry.connect_s,
            read=entry.read_s,
            total=entry.total_s,
            cap=ANSWER_BYTES,
        )
        try:
            said = json.loads(answer.body)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or answer.status != 200:
            code = said.get("Code") if isinstance(said, dict) else ""
            raise Refusal(answer.status, code if isinstance(code, str) else "")
        return {"body": said, "headers": dict(answer.headers), "statusCode": answer.status}

    def _sign(self, action: str, version: str, body: bytes) -> dict[str, str]:
        digest = Utils.hash(body, ALGORITHM).hex()
        call = DaraRequest()
        call.method, call.pathname, call.query = "POST", "/", {}
        call.headers = {
            "host": self._endpoint,
            "content-type": FORM,
            "x-acs-action": action,
            "x-acs-version": version,
            "x-acs-date": Utils.get_timestamp(),
            "x-acs-signature-nonce": token_hex(16),
            "x-acs-content-sha256": digest,
        }
        authorization = Utils.get_authorization(call, ALGORITHM, digest, self._entry.account, self._secret)
        return {**call.headers, "Authorization": authorization, "Accept": "application/json"}
