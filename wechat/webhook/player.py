"""WeChat's side of a push, for tests and `account push`: build it and read the answer (pure).

For `onecert account push` and the tests. It shares the cipher with the door, so the tests hold both against wechatpy.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlencode

from wechat.errors import BadPush, PlayFailed
from wechat.webhook.body import Format, build_body, parse_body
from wechat.webhook.crypto import decrypt, encrypt, is_signed, parse_aes_key, sign
from wechat.webhook.push import NOTHING, AccountKeys, Mode

Message: TypeAlias = dict[str, str | int]
"""The fields of a push beside its envelope."""

RECEIVER = "gh_onecertplayer"


@dataclass(frozen=True)
class Played:
    """A push as it goes over the wire."""

    query: str = field(repr=False)
    body: bytes = field(repr=False)
    media: str = ""


def parse_secrets(code: str, text: str) -> AccountKeys:
    """Parse the keys of another instance's account, one per line: app id, token and, unless plain, AES key.

    Raises PlayFailed, without a word of it, when it is something else.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) not in (2, 3):
        raise PlayFailed("Standard input must have the app id, the token and the EncodingAESKey, a line each.")
    app_id, token, *rest = lines
    try:
        aes_keys = tuple(parse_aes_key(key) for key in rest)
    except ValueError:
        raise PlayFailed("The third line of standard input is no EncodingAESKey.") from None
    return AccountKeys(code, app_id, "safe" if aes_keys else "plain", (token,), aes_keys)


def make_openid() -> str:
    """Make a random openid that belongs to nobody."""
    return "o" + secrets.token_urlsafe(27)[:27]


def build_event(event: str, key: str = "") -> Message:
    """Build the fields of an event, such as `subscribe`, or `CLICK` with its key."""
    return {"MsgType": "event", "Event": event, "EventKey": key}


def build_text(words: str) -> Message:
    """Build the fields of a text message."""
    return {"MsgType": "text", "Content": words, "MsgId": str(secrets.randbelow(10**18))}


def build_push(account: AccountKeys, message: Message, *, openid: str, mode: Mode, form: Format, now: int) -> Played:
    """Sign and, by mode, seal a message or event of `openid` to the account. `now` in epoch ms.

    Raises PlayFailed when it is to be sealed and there is no key.
    """
    if mode != "plain" and not account.aes_keys:
        raise PlayFailed("Sealing a push needs the account's EncodingAESKey.")
    seconds = now // 1000
    fields = {"ToUserName": RECEIVER, "FromUserName": openid, "CreateTime": seconds, **message}
    media = "application/json" if form == "json" else "text/xml"
    stamp = {"timestamp": str(seconds), "nonce": str(secrets.randbelow(10**10)), "openid": openid}
    stamp["signature"] = sign(account.tokens[0], stamp["timestamp"], stamp["nonce"])
    if mode == "plain":
        return Played(urlencode(stamp), build_body(form, fields), media)
    encrypted = encrypt(build_body(form, fields), account.aes_keys[0], account.app_id)
    stamp["encrypt_type"] = "aes"
    stamp["msg_signature"] = sign(account.tokens[0], stamp["timestamp"], stamp["nonce"], encrypted)
    outside: Mapping[str, str | int] = fields if mode == "compatible" else {"ToUserName": RECEIVER}
    return Played(urlencode(stamp), build_body(form, {**outside, "Encrypt": encrypted}), media)


def read_answer(account: AccountKeys, body: bytes) -> str:
    """Return the text WeChat would show for an answer; empty for `success`.

    Raises PlayFailed when WeChat would show a fault instead.
    """
    if body in (NOTHING, b""):
        return ""
    try:
        _, fields = parse_body(body)
        if "Encrypt" in fields:
            _, fields = parse_body(_open(account, fields))
    except BadPush as fault:
        raise PlayFailed(f"WeChat could not read the answer: {fault.detail}") from None
    if fields.get("MsgType") != "text":
        raise PlayFailed("The answer is not a text message.")
    return fields.get("Content", "")


def _open(account: AccountKeys, fields: Mapping[str, str]) -> bytes:
    covered = [fields.get(name, "") for name in ("TimeStamp", "Nonce", "Encrypt")]
    if not is_signed(fields.get("MsgSignature", ""), account.tokens[0], *covered):
        raise PlayFailed("The answer's signature is wrong.")
    return decrypt(fields["Encrypt"], account.aes_keys[0], account.app_id)
