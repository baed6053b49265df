"""Our message cipher, held against wechatpy's as an independent oracle in both directions."""

from __future__ import annotations

import base64
import secrets

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto
from wechatpy.utils import WeChatSigner

from wechat.errors import BadPush, SignatureWrong
from wechat.webhook.crypto import decrypt, encrypt, is_signed, parse_aes_key, sign

APP_ID = "wx0123456789abcdef"
KEY = bytes(range(32))


def seal_raw(packed: bytes) -> str:
    cipher = Cipher(algorithms.AES(KEY), modes.CBC(KEY[:16])).encryptor()
    return base64.b64encode(cipher.update(packed) + cipher.finalize()).decode()


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=300))
def test_wechatpy_opens_what_we_seal(words: str) -> None:
    assert PrpCrypto(KEY).decrypt(encrypt(words.encode(), KEY, APP_ID), APP_ID) == words


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=300))
def test_we_open_what_wechatpy_seals(words: str) -> None:
    assert decrypt(PrpCrypto(KEY).encrypt(words, APP_ID).decode(), KEY, APP_ID).decode() == words


@given(st.lists(st.text("0123456789abcXYZ", min_size=1, max_size=20), min_size=3, max_size=4))
def test_signatures_are_those_of_wechatpy(parts: list[str]) -> None:
    signer = WeChatSigner()
    signer.add_data(*parts)
    assert sign(*parts) == signer.signature


def test_a_signature_with_foreign_letters_is_wrong_and_no_error() -> None:
    assert not is_signed("签名", "token", "1", "2")
    assert not is_signed("\udcff", "token", "1", "\udcff")


@pytest.mark.parametrize("length", range(1, 40))
def test_every_length_of_padding_opens(length: int) -> None:
    assert decrypt(encrypt(b"x" * length, KEY, APP_ID), KEY, APP_ID) == b"x" * length


def test_a_key_whose_last_two_bits_are_set_is_taken() -> None:
    text = base64.b64encode(KEY).decode().rstrip("=")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(text[-1]) | 3
    odd = text[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last]
    assert odd != text
    assert parse_aes_key(odd) == parse_aes_key(text) == KEY


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "!", "密" * 43])
def test_what_is_no_aes_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_aes_key(text)


@pytest.mark.parametrize(
    "encrypted",
    [
        "",
        "!!!",
        "密",
        base64.b64encode(b"x" * 15).decode(),
        base64.b64encode(bytes(16)).decode(),
        base64.b64encode(b"\x5a" * 32).decode(),
        seal_raw(b""),
        seal_raw(bytes(32)),
        seal_raw(b"x" * 31 + b"\x21"),
        seal_raw(b"x" * 30 + b"\x01\x02"),
        seal_raw(b"\x20" * 32),
        seal_raw(b"x" * 16 + b"\xff\xff\xff\xff" + b"\x0c" * 12),
        seal_raw(b"x" * 16 + b"\x00\x00\x00\x01" + b"\x0c" * 12),
    ],
)
def test_what_is_no_ciphertext_is_a_bad_push(encrypted: str) -> None:
    with pytest.raises(BadPush):
        decrypt(encrypted, KEY, APP_ID)


@given(st.binary(max_size=200))
def test_random_blocks_are_a_bad_push(sealed: bytes) -> None:
    with pytest.raises(BadPush):
        decrypt(base64.b64encode(sealed).decode(), KEY, APP_ID)


def test_a_body_sealed_for_another_account_is_refused() -> None:
    with pytest.raises(SignatureWrong):
        decrypt(encrypt(b"<xml/>", KEY, "wxfedcba9876543210"), KEY, APP_ID)


def test_a_body_that_another_app_id_merely_ends_is_refused() -> None:
    with pytest.raises(SignatureWrong):
        decrypt(encrypt(b"<xml/>", KEY, "x" + APP_ID), KEY, APP_ID)


def test_another_key_does_not_open() -> None:
    with pytest.raises(BadPush):
        decrypt(encrypt(b"<xml/>", secrets.token_bytes(32), APP_ID), KEY, APP_ID)


def test_the_same_body_is_never_sealed_alike() -> None:
    assert encrypt(b"<xml/>", KEY, APP_ID) != encrypt(b"<xml/>", KEY, APP_ID)
