"""Accounts and pushes for the tests of the webhook."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

from wechat.webhook.message import Push
from wechat.webhook.player import Played
from wechat.webhook.push import AccountKeys, Envelope, Mode, Stamp, check_stamp, open_push

NOW = 1_795_327_500_000
OPENID = "oTestCitizen-0123456789_abcd"
AES_TEXT = base64.b64encode(bytes(range(32))).decode().rstrip("=")

PARAMETERS = ("timestamp", "nonce", "signature", "encrypt_type", "msg_signature")


def make_keys(mode: Mode = "safe", *, number: int = 0, tokens: tuple[str, ...] = ()) -> AccountKeys:
    """An account's keys; another `number` is another account."""
    key = bytes((byte + number) % 256 for byte in range(32))
    return AccountKeys(f"account{number}", f"wx{number:016d}", mode, tokens or (f"token-{number}",), (key,))


def stamp_of(played: Played, **changes: str) -> Stamp:
    """The stamp in a played push's URL, with changes."""
    query = dict(parse_qsl(played.query)) | changes
    return Stamp(**{name: query.get(name, "") for name in PARAMETERS})


def open_played(played: Played, account: AccountKeys, now: int = NOW, **changes: str) -> tuple[Push, Envelope | None]:
    """Check and open a played push as the door does."""
    stamp = stamp_of(played, **changes)
    check_stamp(stamp, account, now)
    push, envelope = open_push(stamp, played.body, account)
    assert push is not None
    return push, envelope


def make_push(**fields: str) -> Push:
    """A text push of a citizen; fields change it."""
    made: dict[str, Any] = {"receiver": "gh_1", "sender": OPENID, "created": "1795327500", "kind": "text", **fields}
    return Push(form="xml", **made)
