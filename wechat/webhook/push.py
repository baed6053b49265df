"""WeChat's pushes: check, open, answer (pure).

The order is the point. The stamp in the URL is checked first, then the body's size, then its signature, and only a body
whose signature holds is parsed. A sealed push's envelope is not parsed at all: the one thing needed of it is searched
for as text, and what `msg_signature` holds for is the text that counts.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Literal

from wechat.errors import BadPush, PushTooLarge, SignatureWrong
from wechat.webhook.body import Format, build_body
from wechat.webhook.crypto import decrypt, encrypt, is_signed, sign
from wechat.webhook.message import FRESH_MS, Push, parse_push

Mode = Literal["plain", "compatible", "safe"]

MAX_BODY = 64 * 1024
NOTHING = b"success"
"""The answer that acknowledges a push without a reply; unencrypted in every mode."""

_TIMESTAMP = re.compile(r"[0-9]{10}", re.ASCII)
_NONCE = re.compile(r"[!-~]{1,128}", re.ASCII)
_SECTION = b"]]><![CDATA["
_ENVELOPE = re.compile(
    rb"<Encrypt(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?([^<\]]*(?:\]\]><!\[CDATA\[[^<\]]*)*)"
    rb'|"Encrypt"\s*:\s*"((?:[^"\\]|\\.)*)"',
    re.DOTALL,
)
_MAX_ECHO = 512


@dataclass(frozen=True)
class AccountKeys:
    """The keys that an account shares with WeChat; several values during rotation, the current one first."""

    code: str
    app_id: str
    mode: Mode
    tokens: tuple[str, ...] = field(repr=False)
    aes_keys: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Stamp:
    """The signing parameters in the URL of every call from WeChat."""

    timestamp: str
    nonce: str
    signature: str = ""
    encrypt_type: str = ""
    msg_signature: str = ""

    @property
    def sealed(self) -> bool:
        """Return whether the body is (also) encrypted; then `msg_signature` counts, not `signature`."""
        return self.encrypt_type == "aes"


@dataclass(frozen=True)
class Envelope:
    """The format and keys of a sealed push; its answer is sealed with the same."""

    form: Format
    app_id: str
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)


def check_stamp(stamp: Stamp, account: AccountKeys, now: int) -> None:
    """Refuse a stale or unsigned request before its body is read.

    Raises SignatureWrong. A sealed push passes on its freshness alone: its signature covers the body.
    """
    _check_fresh(stamp, now)
    if stamp.sealed:
        if not account.aes_keys:
            raise SignatureWrong("The account has no key for sealed pushes.")
        return
    if account.mode == "safe":
        raise SignatureWrong("The account takes sealed pushes only.")
    _check_signed(stamp, account)


def check_url(stamp: Stamp, echo: str, account: AccountKeys, now: int) -> str:
    """Answer the platform's URL check: return the echo if WeChat signed for this account.

    Raises SignatureWrong, or BadPush when there is nothing to give back.
    """
    _check_fresh(stamp, now)
    _check_signed(stamp, account)
    if not 0 < len(echo) <= _MAX_ECHO:
        raise BadPush("There is no echostr of a sensible length.")
    return echo


def open_push(stamp: Stamp, body: bytes, account: AccountKeys) -> tuple[Push | None, Envelope | None]:
    """Check and parse a body whose stamp `check_stamp` let pass; the envelope is None for a plain push.

    In compatible mode the plain half is not looked at: the sealed one is the one that is signed. Once the signature
    holds, nothing in the content is refused: the push is None when it cannot be read.

    Raises PushTooLarge, or SignatureWrong when no signature holds or the body was sealed for another account.
    """
    if len(body) > MAX_BODY:
        raise PushTooLarge("The body is over 64 KB.")
    if not stamp.sealed:
        return parse_push(body), None
    encrypted, token, form = _find_signed(stamp, body, account)
    try:
        inner, key = _decrypt(encrypted, account)
    except SignatureWrong:
        raise
    except BadPush:
        return None, None
    return parse_push(inner), Envelope(form, account.app_id, token, key)


def build_answer(push: Push, envelope: Envelope | None, text: str, now: int) -> bytes:
    """Build the answer's bytes: a text message in the format and sealing of the push. `now` in epoch ms.

    The same arguments give the same bytes: what is random in the platform's own sealing is a MAC of the content here.
    """
    seconds = now // 1000
    message = build_body(
        push.form,
        {
            "ToUserName": push.sender,
            "FromUserName": push.receiver,
            "CreateTime": seconds,
            "MsgType": "text",
            "Content": text,
        },
    )
    return message if envelope is None else _seal(message, envelope, seconds)


def _seal(message: bytes, envelope: Envelope, seconds: int) -> bytes:
    drawn = hmac.new(envelope.aes_key, b"answer" + message, "sha256").digest()  # hmac.digest would give up the GIL
    encrypted = encrypt(message, envelope.aes_key, envelope.app_id, salt=drawn[:16])
    nonce = drawn[16:24].hex()
    return build_body(
        envelope.form,
        {
            "Encrypt": encrypted,
            "MsgSignature": sign(envelope.token, str(seconds), nonce, encrypted),
            "TimeStamp": seconds,
            "Nonce": nonce,
        },
    )


def _check_fresh(stamp: Stamp, now: int) -> None:
    # The parts are joined without a separator: exactly ten digits leave little room to shift them.
    if not _TIMESTAMP.fullmatch(stamp.timestamp) or not _NONCE.fullmatch(stamp.nonce):
        raise SignatureWrong("The timestamp or nonce is missing or malformed.")
    if abs(int(stamp.timestamp) * 1000 - now) > FRESH_MS:
        raise SignatureWrong("The timestamp is too far from now.")


def _check_signed(stamp: Stamp, account: AccountKeys) -> None:
    if not any(is_signed(stamp.signature, token, stamp.timestamp, stamp.nonce) for token in account.tokens):
        raise SignatureWrong("The signature is wrong.")


def _find_signed(stamp: Stamp, body: bytes, account: AccountKeys) -> tuple[str, str, Format]:
    """Return the Encrypt that `msg_signature` covers, its token, and the envelope's format."""
    for found in _ENVELOPE.finditer(body):
        form: Format = "json" if found[1] is None else "xml"
        written = (found[1] or found[2] or b"").replace(_SECTION, b"").decode("utf-8", "replace")
        for encrypted in _spellings(form, written):
            for token in account.tokens:
                if is_signed(stamp.msg_signature, token, stamp.timestamp, stamp.nonce, encrypted):
                    return "".join(encrypted.split()), token, form
    raise SignatureWrong("No sealed body that msg_signature holds for.")


def _spellings(form: Format, written: str) -> Iterator[str]:
    """Yield the Encrypt as it may have been signed: unescaped, stripped, and without white space."""
    if form == "json":
        try:
            written = str(json.loads(f'"{written}"', strict=False))
        except ValueError:
            return
    elif "&" in written:
        written = unescape(written)
    yield written
    bare = "".join(written.split())
    if bare != written:
        yield written.strip()
        yield bare


def _decrypt(encrypted: str, account: AccountKeys) -> tuple[bytes, bytes]:
    """Return the body and the key that opened it. Raises SignatureWrong (another account's app id) or BadPush."""
    fault = BadPush("The account has no key for sealed pushes.")
    for key in account.aes_keys:
        try:
            return decrypt(encrypted, key, account.app_id), key
        except SignatureWrong:
            raise
        except BadPush as error:
            fault = error
    raise fault
