"""Aliyun's side on loopback: it checks ACS3 signatures by its own reading of the specification, and plays a part.

Source: help.aliyun.com, "V3 request structure & signature". Written apart from the SDK, of which it uses nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from flask import Flask, Request, Response, jsonify, request

from config.catalogue.links import Link as LinkEntry
from config.db.engine import begin
from config.ground import Ground
from tests.support.servers import serve

ACCOUNT, SECRET = "LTAI5tExampleAccessKeyId", "an AccessKey secret"
OURS = "0123456789abcdef0123456789abcdef-1"
REPORT = {
    "phone_number": "13800138000",
    "send_time": "2026-11-22 14:04:58",
    "report_time": "2026-11-22 14:05:00",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "",
    "sms_size": "1",
    "biz_id": "900619746936498440^0",
    "out_id": OURS,
}
TEXT = {
    "phone_number": "13800138000",
    "content": "TD",
    "dest_code": "1069900",
    "sequence_id": 1234,
    "send_time": "",
    "sign": "",
}
ENTRY = """
[[links]]
code = "cloud"
driver = "aliyun"
url = "{url}"
key_id = "onecert-cloud"
account = "{account}"
port_number = "10699000"
signature_mode = "gateway"
batch_size = 50
max_parts = 8
lanes = ["code", "reply"]
enabled = true
preference = 0
connect_s = {total_s}
read_s = {read_s}
total_s = {total_s}
window = 4
parts_per_second = 500
templates = [{{ text = "code-internet-accounts", code = "SMS_100" }}, {{ text = "opt-in", code = "SMS_101" }}]


# Limits -"""


def is_genuine(call: Request, secret: str = SECRET) -> bool:
    """Return whether the Authorization header is what the specification makes of this request."""
    scheme, _, rest = call.headers["Authorization"].partition(" ")
    told = dict(piece.split("=", 1) for piece in rest.split(","))
    names = told["SignedHeaders"].split(";")
    digest = hashlib.sha256(call.get_data()).hexdigest()
    query = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in parse_qsl(call.query_string.decode(), True))
    lines = [call.method, call.path, "&".join(f"{k}={v}" for k, v in query)]
    lines += [f"{name}:{call.headers[name].strip()}" for name in names] + ["", ";".join(names), digest]
    wanted = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
    to_sign = f"{scheme}\n{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return (
        scheme == "ACS3-HMAC-SHA256"
        and told["Credential"] == ACCOUNT
        and wanted <= set(names)
        and call.headers["x-acs-content-sha256"] == digest
        and hmac.compare_digest(signature, told["Signature"])
    )


@dataclass
class Cloud:
    """A playable Aliyun: its requests and answers (`code`, `status`, `raw` of SendSms); `sent`: what it remembers."""

    url: str = ""
    calls: list[dict[str, str]] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    code: str = "OK"
    status: int = 200
    raw: bytes | None = None
    wait: Any = None
    sent: list[dict[str, str]] = field(default_factory=list)

    def answer(self) -> Response:
        """Answer one call."""
        if not is_genuine(request) or request.headers["x-acs-signature-nonce"] in self.nonces:
            return jsonify(Code="SignatureDoesNotMatch", Message=""), 400  # type: ignore[return-value]
        self.nonces.append(request.headers["x-acs-signature-nonce"])
        self.urls.append(request.url)
        action = request.headers["x-acs-action"]
        call = {"action": action, **dict(parse_qsl(request.get_data(as_text=True)))}
        self.calls.append(call)
        return self.tell(call) if action == "QuerySendDetails" else self.take(call)

    def take(self, call: dict[str, str]) -> Response:
        """SendSms."""
        if self.code == "OK" and self.status == 200:
            self.sent.append(call)
        if self.wait:
            self.wait()
        if self.raw is not None:
            return Response(self.raw, self.status)
        body = jsonify(Code=self.code, Message="said", RequestId="r", BizId="900619746936498440^0")
        body.status_code = self.status
        return body

    def tell(self, call: dict[str, str]) -> Response:
        """QuerySendDetails."""
        mine = [one for one in self.sent if one["PhoneNumbers"] == call["PhoneNumber"]]
        page, size = int(call["CurrentPage"]), int(call["PageSize"])
        rows = [{"OutId": one["OutId"], "PhoneNum": one["PhoneNumbers"], "SendStatus": 3} for one in mine]
        shown = rows[(page - 1) * size : page * size]
        return jsonify(Code="OK", TotalCount=str(len(rows)), SmsSendDetailDTOs={"SmsSendDetailDTO": shown})

    def named(self, action: str) -> list[dict[str, str]]:
        """The calls of one kind."""
        return [call for call in self.calls if call["action"] == action]


@contextlib.contextmanager
def run_cloud() -> Iterator[Cloud]:
    """Serve Aliyun's side."""
    cloud, app = Cloud(), Flask("cloud")
    app.post("/")(lambda: cloud.answer())
    with serve(app) as url:
        cloud.url = url
        yield cloud


def use_aliyun(ground: Ground, url: str, *, read_s: float = 30, total_s: float = 60) -> LinkEntry:
    """Add a link to that address to the catalogue, preferred to all others."""
    document = ground.catalogues.document().replace("preference = 0", "preference = 1")
    entry = ENTRY.format(url=url, account=ACCOUNT, read_s=read_s, total_s=total_s)
    now = ground.clock.now()
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document.replace("\n\n# Limits -", entry, 1), "test", "test", now)
        ground.secrets.set(db, "cloud.key", SECRET, now)
    ground.secrets.forget()
    found = ground.catalogues.current().link("cloud")
    assert found is not None
    return found
