"""WeChat's pushes: check, open, answer (pure).

The order is the point. The stamp in the URL is checked first, then the body's size, then its signature, and only a body
whose signature holds is parsed. A sealed push's envelope is not parsed at all: the one thing needed of it is searched
for as text, and what `msg_signature` holds for is the text that counts.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wechat.errors import BadPush, PushTooLarge, SignatureWrong
from wechat.webhook.body import Format, build_body, parse_body
from wechat.webhook.crypto import decrypt, encrypt, is_signed, sign
from wechat.webhook.items import parse_items

Mode = Literal["plain", "compatible", "safe"]

MAX_BODY = 64 * 1024
FRESH_MS = 300_000
AHEAD_MS = 30_000
NOTHING = b"success"
"""What the platform takes for "received, nothing to say"; unencrypted in every mode."""

_TIMESTAMP = re.compile(r"[0-9]{10}", re.ASCII)
_NONCE = re.compile(r"[!-~]{1,128}", re.ASCII)
_WHO = re.compile(r"[!-~]{1,128}", re.ASCII)
_CREATED = re.compile(r"[0-9]{1,13}", re.ASCII)
_KIND = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NOT_WORD = re.compile(r"[^A-Za-z0-9 :_.-]", re.ASCII)
_ENVELOPE = re.compile(rb'<Encrypt>\s*(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)|"Encrypt"\s*:\s*"([A-Za-z0-9+/=\\]+)"')
_MAX_ECHO = 512
MAX_WORD = 32
PERSONAL_EVENTS = frozenset({"user_authorization_revoke", "user_authorization_cancellation", "user_info_modified"})
"""Events by which the platform asks for the deletion of somebody's data."""


@dataclass(frozen=True)
class AccountKeys:
    """What an account and WeChat share; several values while one of them changes, the current first."""

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
        """Whether the body is (also) encrypted; then `msg_signature` counts, not `signature`."""
        return self.encrypt_type == "aes"


@dataclass(frozen=True)
class Report:
    """What became of a notice: the platform's number of it, and its word (`success`, `failed:user block`, ...)."""

    number: str
    word: str


@dataclass(frozen=True)
class Push:
    """One message or event. `sender` is the citizen's openid; it and the words are kept out of every repr."""

    form: Format
    receiver: str
    sender: str = field(repr=False)
    created: str
    kind: str
    event: str = ""
    event_key: str = field(default="", repr=False)
    message_id: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    about: str = field(default="", repr=False)
    """The openid that an event about personal data is about; empty when it is the sender."""
    reports: tuple[Report, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """What every try of this push has and no other push: a MsgId; of an event, which has none, all that tells it.

        One tap may emit two events in one second, hence the event's name and key in it.
        """
        if self.message_id and self.kind != "event":
            return (self.sender, self.message_id)
        return (self.sender, self.created, self.kind, self.event, self.event_key, self.text)


@dataclass(frozen=True)
class Envelope:
    """How a sealed push came, so that its answer goes back the same way."""

    form: Format
    app_id: str
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)


def check_stamp(stamp: Stamp, account: AccountKeys, now: int) -> None:
    """Refuse, before a byte of the body is read, what is stale or not signed for this account.

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
    """The platform's check of our address: give back the echo if WeChat signed for this account.

    Raises SignatureWrong, or BadPush when there is nothing to give back.
    """
    _check_fresh(stamp, now)
    _check_signed(stamp, account)
    if not 0 < len(echo) <= _MAX_ECHO:
        raise BadPush("There is no echostr of a sensible length.")
    return echo


def open_push(stamp: Stamp, body: bytes, account: AccountKeys) -> tuple[Push, Envelope | None]:
    """Check and parse a body whose stamp `check_stamp` let pass; the envelope is None for a plain push.

    In compatible mode the plain half is not looked at: the sealed one is the one that is signed.

    Raises BadPush or one of its kinds.
    """
    if len(body) > MAX_BODY:
        raise PushTooLarge("The body is over 64 KB.")
    if not stamp.sealed:
        return _parse_push(body), None
    encrypted, token, form = _find_signed(stamp, body, account)
    inner, key = _decrypt(encrypted, account)
    return _parse_push(inner), Envelope(form, account.app_id, token, key)


def answer_time(push: Push, now: int) -> int | None:
    """The time (epoch ms) to write into the answer and its tickets: the push's own, which is the same in every try.

    None when that is not near `now`: the clocks differ, or somebody made the push up.
    """
    created = int(push.created) * 1000
    return created if now - FRESH_MS <= created <= now + AHEAD_MS else None


def build_answer(push: Push, envelope: Envelope | None, text: str, now: int) -> bytes:
    """The answer's bytes: a text message to the sender, spelled and sealed as the push was. `now` in epoch ms.

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
    drawn = hmac.digest(envelope.aes_key, b"answer" + message, "sha256")
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
    # Token, timestamp and nonce are joined without a separator; exactly ten digits leave little room to shift them.
    if not _TIMESTAMP.fullmatch(stamp.timestamp) or not _NONCE.fullmatch(stamp.nonce):
        raise SignatureWrong("The timestamp or nonce is missing or malformed.")
    if abs(int(stamp.timestamp) * 1000 - now) > FRESH_MS:
        raise SignatureWrong("The timestamp is too far from now.")


def _check_signed(stamp: Stamp, account: AccountKeys) -> None:
    if not any(is_signed(stamp.signature, token, stamp.timestamp, stamp.nonce) for token in account.tokens):
        raise SignatureWrong("The signature is wrong.")


def _find_signed(stamp: Stamp, body: bytes, account: AccountKeys) -> tuple[str, str, Format]:
    """The Encrypt that `msg_signature` holds for, its token, and the envelope's spelling."""
    for found in _ENVELOPE.finditer(body):
        form: Format = "xml" if found[1] else "json"
        encrypted = (found[1] or found[2].replace(b"\\/", b"/")).decode()
        for token in account.tokens:
            if is_signed(stamp.msg_signature, token, stamp.timestamp, stamp.nonce, encrypted):
                return encrypted, token, form
    raise SignatureWrong("No sealed body that msg_signature holds for.")


def _decrypt(encrypted: str, account: AccountKeys) -> tuple[bytes, bytes]:
    """The body and the key that opened it."""
    fault = BadPush("The account has no key for sealed pushes.")
    for key in account.aes_keys:
        try:
            return decrypt(encrypted, key, account.app_id), key
        except BadPush as error:
            fault = error
    raise fault


def _parse_push(body: bytes) -> Push:
    form, fields = parse_body(body)
    kind = _required(fields, "MsgType", _KIND).casefold()
    event = _required(fields, "Event", _KIND).casefold() if kind == "event" else ""
    return Push(
        form=form,
        receiver=_required(fields, "ToUserName", _WHO),
        sender=_required(fields, "FromUserName", _WHO),
        created=_required(fields, "CreateTime", _CREATED),
        kind=kind,
        event=event,
        event_key=fields.get("EventKey", ""),
        message_id=fields.get("MsgId", ""),
        text=fields.get("Content", "") if kind == "text" else "",
        about=_required(fields, "OpenID", _WHO) if event in PERSONAL_EVENTS and fields.get("OpenID") else "",
        reports=_parse_reports(event, form, fields, body),
    )


def _parse_reports(event: str, form: Format, fields: Mapping[str, str], body: bytes) -> tuple[Report, ...]:
    if event == "templatesendjobfinish":
        return (_report(fields.get("MsgID", ""), fields.get("Status", "")),)
    if event != "subscribe_msg_sent_event":
        return ()
    return tuple(_report(item.get("MsgID", ""), item.get("ErrorStatus", "")) for item in parse_items(form, body))


def _report(number: str, word: str) -> Report:
    """Both cut to what is worth keeping; a word of the platform's is ASCII."""
    return Report(_NOT_WORD.sub("", number)[:MAX_WORD], _NOT_WORD.sub("", word)[:MAX_WORD])


def _required(fields: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = fields.get(name, "").strip()
    if not shape.fullmatch(value):
        raise BadPush(f"The push has no usable {name}.")
    return value
