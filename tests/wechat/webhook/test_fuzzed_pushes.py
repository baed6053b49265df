"""Rightly signed pushes with mutated content, in every mode and spelling: WeChat sees 200 with an answer or `success`.

A few seeds in the suite; `FUZZ_S=600` (as in `make soak`) goes on for so many seconds, from a seed of its own that it
tells.
"""

from __future__ import annotations

import os
import random  # noqa: TID251  # a seed repeats a run
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.conftest import on_sqlite
from tests.wechat.pushes import OPENID
from tests.wechat.pushing import WeChat
from wechat.errors import PlayFailed
from wechat.webhook.body import Format, build_body
from wechat.webhook.crypto import encrypt, sign
from wechat.webhook.player import Message, Played, build_event, build_text, read_answer
from wechat.webhook.push import AccountKeys

pytestmark = on_sqlite

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "400"))
SECONDS = float(os.environ.get("FUZZ_S", "0"))
SLOWEST_S = 0.05
VICTIM = "oVictim-0123456789_abcdefgh"

MESSAGES: list[Message] = [
    build_text("查询"),
    build_text("help 😀"),
    build_text("13800138000"),
    build_event("CLICK", "ONECERT"),
    build_event("subscribe", "qrscene_1"),
    build_event("TEMPLATESENDJOBFINISH") | {"MsgID": 200163836, "Status": "success"},
    build_event("subscribe_msg_sent_event"),
    build_event("never_heard_of"),
    {"MsgType": "image", "PicUrl": "http://a?b=1&c=2", "MediaId": "m", "MsgId": "1"},
    {"MsgType": "location", "Label": "北京", "Location_X": "39.9", "MsgId": "2"},
]
TOKENS = [
    *(bytes([byte]) for byte in (0, 1, 8, 11, 16, 27, 31, 127, 128, 192, 237, 254, 255)),
    *(text.encode("utf-8", "surrogatepass") for text in ("]]>", "<![CDATA[", "&", "&#16;", "&#xD800;", "&lol;")),
    *(text.encode("utf-8", "surrogatepass") for text in ("<", ">", "</xml>", "<xml>", "</Content>", "<Content>")),
    *(text.encode("utf-8", "surrogatepass") for text in ("\ud83d", "\ude00", "\ufffe", "\u202e", "\ufeff", "\ufdfa")),
    *(
        text.encode()
        for text in ("\\ud83d", "\\u0000", "\\x41", '"', "\\", "{", "}", "[", "]", ",", ":", "NaN", "1e999")
    ),
    *(text.encode() for text in ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "<!--", "<?xml encoding='gbk'?>", "\r\n\t ")),
    *("查询".encode(codec) for codec in ("gbk", "utf-16", "utf-32")),
    b"<MsgType>event</MsgType><Event>unsubscribe</Event>",
    f"<FromUserName>{VICTIM}</FromUserName>".encode(),
    b"<a>" * 30,
    b"[" * 60,
    b'{"a":' * 30,
]
CONTENT_INJECTIONS = [
    f"]]></Content><FromUserName><![CDATA[{VICTIM}]]></FromUserName><MsgType>event</MsgType><Event>unsubscribe</Event>",
    f"]]></Content></xml><xml><FromUserName>{VICTIM}</FromUserName><MsgType>event</MsgType><Content><![CDATA[",
    f'","FromUserName":"{VICTIM}","MsgType":"event","Event":"unsubscribe","x":"',
    f'"}} {{"FromUserName":"{VICTIM}","MsgType":"event","Event":"unsubscribe"}}',
]

Mutation = Callable[[random.Random, bytes], bytes]


def flip(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]


def insert(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(TOKENS) + body[at:]


def drop(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body))
    return body[:at] + body[at + chance.randint(1, 40) :]


def repeat(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body))
    piece = body[at : at + chance.randint(1, 60)]
    return body[:at] + piece * chance.choice((1, 2, 50)) + body[at:]


def swap(chance: random.Random, body: bytes) -> bytes:
    first, second = sorted(chance.randrange(len(body)) for _ in range(2))
    return body[second:] + body[first:second] + body[:first]


def cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


MUTATIONS: list[Mutation] = [flip, insert, insert, insert, drop, repeat, swap, cut]


class Fuzzer:
    """Makes signed pushes of an account, each with a nonce of its own: one signed address is good for one body."""

    def __init__(self, wechat: WeChat, seed: int) -> None:
        self.wechat, self.chance, self.count = wechat, random.Random(seed), 0  # noqa: S311

    def pushes(self) -> Iterator[tuple[str, Played]]:
        """Yield (account, push) without end; the account tells the mode."""
        while True:
            form: Format = self.chance.choice(("xml", "json"))
            code, sealed = self.chance.choice(
                (("caict", False), ("gxb-antifraud", False), ("gxb-antifraud", True), ("gxwbwx", True))
            )
            body = self.body(form)
            for _ in range(self.chance.randint(1, 4)):
                body = self.chance.choice(MUTATIONS)(self.chance, body or b" ")
            yield code, self.sign(code, body, form, sealed=sealed)

    def body(self, form: Format) -> bytes:
        """A message as WeChat sends it, or one whose text tries to be another's event."""
        message = self.chance.choice(MESSAGES)
        seconds = self.wechat.ground.clock.now() // 1000
        named: dict[str, Any] = {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": seconds}
        return build_body(form, {**named, **message})

    def injected(self, form: Format) -> bytes:
        """A text message into whose template a citizen's markup went as it was typed."""
        plain = self.body_of_text(form)
        return plain.replace(b"@@@", self.chance.choice(CONTENT_INJECTIONS).encode())

    def body_of_text(self, form: Format) -> bytes:
        seconds = self.wechat.ground.clock.now() // 1000
        named: dict[str, Any] = {"ToUserName": "gh_1", "FromUserName": OPENID, "CreateTime": seconds}
        return build_body(form, {**named, "MsgType": "text", "Content": "查询@@@", "MsgId": str(self.count)})

    def sign(self, code: str, body: bytes, form: Format, *, sealed: bool) -> Played:
        keys, seconds = self.wechat.keys(code), str(self.wechat.ground.clock.now() // 1000)
        self.count += 1
        nonce = f"{self.count}x{secrets.token_hex(8)}"  # other tests share Redis, and the secrets of its template
        query = f"timestamp={seconds}&nonce={nonce}&signature={sign(keys.tokens[0], seconds, nonce)}"
        return self.seal(keys, query, body, form) if sealed else Played(query, body[: 60 * 1024], "text/xml")

    def seal(self, keys: AccountKeys, query: str, body: bytes, form: Format) -> Played:
        seconds, nonce = (part.split("=")[1] for part in query.split("&")[:2])
        encrypted = encrypt(body[: 40 * 1024], keys.aes_keys[0], keys.app_id)
        query += f"&encrypt_type=aes&msg_signature={sign(keys.tokens[0], seconds, nonce, encrypted)}"
        return Played(query, build_body(form, {"ToUserName": "gh_1", "Encrypt": encrypted}), "text/xml")


def check(wechat: WeChat, code: str, played: Played, seed: int) -> float:
    """Send it; the CPU seconds that it took. Fails for anything but 200 with an answer that opens, or `success`."""
    begun = time.thread_time()
    response = wechat.send(code, played)
    took = time.thread_time() - begun
    assert response.status_code == 200, (seed, played.body)
    if response.data != b"success":
        try:
            assert read_answer(wechat.keys(code), response.data), (seed, played.body)
        except PlayFailed as unreadable:
            pytest.fail(f"seed {seed}: {unreadable.detail}: {played.body!r}")
    return took


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_signed_push_gets_200_whatever_is_in_it(wechat: WeChat, seed: int) -> None:
    """door fault, F1 as a kind: its content never decides the status."""
    seed = secrets.randbelow(2**32) if SECONDS else seed
    until = time.monotonic() + SECONDS / 3
    took = []
    for number, (code, played) in enumerate(Fuzzer(wechat, seed).pushes()):
        if number >= ROUNDS and time.monotonic() >= until:
            break
        took.append(check(wechat, code, played, seed))
    took.sort()
    p99 = took[int(len(took) * 0.99)]
    print(f"seed {seed}: {len(took)} pushes, p99 {p99 * 1000:.2f} ms, slowest {took[-1] * 1000:.2f} ms of CPU")
    assert p99 < SLOWEST_S


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "plain"])
def test_nobody_is_forgotten_by_what_somebody_else_typed(wechat: WeChat, form: Format, sealed: bool) -> None:
    fuzzer = Fuzzer(wechat, 7)
    code = "gxb-antifraud"
    noted: set[bytes] = set()
    for number in range(ROUNDS // 4):
        body = fuzzer.injected(form)
        start = body.index("查询".encode())
        for _ in range(number % 3):
            body = body[:start] + insert(fuzzer.chance, body[start:])
        check(wechat, code, fuzzer.sign(code, body, form, sealed=sealed), 7)
        others = (b"wechat:", b"recent:", b"stamps")
        noted |= {key for key in cast("list[bytes]", wechat.ground.redis.keys("*")) if not key.startswith(others)}
    assert noted == set()
