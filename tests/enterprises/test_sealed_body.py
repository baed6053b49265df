"""Sealed bodies: opened by whoever has the secret, and by nobody and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from enterprises.errors import AnswerInvalid
from enterprises.sealed_body import open_body, seal_body

SECRET, OTHER = "a-secret-of-some-length-for-this-test", "another-secret-of-some-length"
SEALS = ["A256GCM", "SM4GCM"]


def encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


@pytest.mark.parametrize("seal", SEALS)
def test_what_was_sealed_is_opened_with_either_secret_while_keys_change(seal: str) -> None:
    body = '{"name":"张三"}'.encode() * 9_000
    sealed = seal_body(seal, SECRET, "key-1", body)
    assert open_body(seal, [OTHER, SECRET], sealed) == body
    assert "张三".encode() not in sealed
    header = json.loads(base64.urlsafe_b64decode(sealed.split(b".")[0] + b"=="))
    assert header == {"alg": "dir", "enc": seal, "kid": "key-1"}


def test_another_hand_opens_it_by_the_specification_alone() -> None:
    head, key, nonce, text, tag = seal_body("A256GCM", SECRET, "k", b"{}").split(b".")
    assert key == b""
    derived = hmac.digest(SECRET.encode(), b"onecert/seal/A256GCM", hashlib.sha256)
    joined = [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in (nonce, text, tag)]
    assert AESGCM(derived).decrypt(joined[0], joined[1] + joined[2], head) == b"{}"


def changed(sealed: bytes, head: dict[str, str]) -> bytes:
    return encode(json.dumps(head).encode()) + b"." + sealed.split(b".", 1)[1]


@pytest.mark.parametrize("seal", SEALS)
def test_what_is_not_as_agreed_is_refused(seal: str) -> None:
    sealed = seal_body(seal, SECRET, "k", b"{}")
    parts = sealed.split(b".")
    other = SEALS[1 - SEALS.index(seal)]
    for wrong in [
        b"", b"{}", b"....", b"\xff" * 40, sealed[:-1], sealed + b".", b".".join(parts[:4]),
        b".".join([*parts[:4], encode(base64.urlsafe_b64decode(parts[4] + b"==")[:4])]),
        changed(sealed, {"alg": "dir", "enc": seal, "zip": "DEF"}),
        changed(sealed, {"alg": "none", "enc": seal}),
        changed(sealed, {"alg": "A256KW", "enc": seal}),
        changed(sealed, {"alg": "dir", "enc": "A128CBC-HS256"}),
        seal_body(seal, OTHER, "k", b"{}"),
        seal_body(other, SECRET, "k", b"{}"),
        sealed + b"A" * 20_000_000,
    ]:  # fmt: skip
        with pytest.raises(AnswerInvalid):
            open_body(seal, [SECRET], wrong)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEALS), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(seal: str, place: int, by: int) -> None:
    sealed = bytearray(seal_body(seal, SECRET, "k", b'{"batch":"b","items":[]}'))
    sealed[place % len(sealed)] ^= by
    try:
        opened = open_body(seal, [SECRET], bytes(sealed))
    except AnswerInvalid:
        return
    # The unused bits of a last base64 letter carry nothing.
    assert opened == b'{"batch":"b","items":[]}'
