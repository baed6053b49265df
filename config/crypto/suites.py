"""The two suites of algorithms: AES-256-GCM with HMAC-SHA256, and SM4-GCM with HMAC-SM3.

A data key is 32 random bytes and the name of its suite; what it seals, indexes or signs uses a
key of its own, derived with HKDF for that one purpose.
"""

import secrets
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.errors import SealBroken

Suite = Literal["aes", "sm"]
SUITES: tuple[Suite, ...] = ("aes", "sm")
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_FRAME = struct.Struct(">cI")
CIPHER_KEY_BYTES: dict[Suite, int] = {"aes": 32, "sm": 16}


def parse_suite(name: str) -> Suite:
    """The suite of that name; ValueError when there is none."""
    for suite in SUITES:
        if name == suite:
            return suite
    raise ValueError(f"no such suite of algorithms: {name}")


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A secret and its suite. Cheap to make: what is derived from it is remembered."""

    suite: Suite
    secret: bytes

    def __repr__(self) -> str:
        return f"KeyMaterial({self.suite})"

    def seal(self, purpose: str, plain: bytes, associated: bytes, occasion: bytes | None = None) -> bytes:
        """nonce (12) | ciphertext | tag (16), bound to `associated`.

        With an `occasion` the same content gives the same bytes, for what must not change when it is made again. The
        nonce is then a MAC of all that goes in, so no two contents share one; that two are equal can be seen.
        """
        if occasion is None:
            nonce = secrets.token_bytes(NONCE_BYTES)
        else:
            nonce = self.mac(f"nonce/{purpose}", join(associated, plain, occasion))[:NONCE_BYTES]
        key = derive(self.suite, self.secret, purpose, CIPHER_KEY_BYTES[self.suite])
        return nonce + encrypt(self.suite, key, nonce, plain, associated)

    def open(self, purpose: str, sealed: bytes, associated: bytes) -> bytes:
        """Return what was sealed; SealBroken when it was altered or belongs elsewhere."""
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise SealBroken("the sealed value is too short")
        key = derive(self.suite, self.secret, purpose, CIPHER_KEY_BYTES[self.suite])
        return decrypt(self.suite, key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)

    def mac(self, purpose: str, content: bytes) -> bytes:
        """A keyed MAC of 32 bytes."""
        return keyed_hash(self.suite, derive(self.suite, self.secret, purpose, KEY_BYTES), content)


def encrypt(suite: Suite, key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """GCM: ciphertext followed by its 16-byte tag."""
    if suite == "aes":
        return _aes(key).encrypt(nonce, plain, associated)
    # The AEAD classes of `cryptography` know no SM4: GCM by hand, tag at the end as AEAD has it.
    encryptor = Cipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def decrypt(suite: Suite, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """The plain bytes of a GCM ciphertext with its tag at the end; SealBroken when it is wrong."""
    try:
        if suite == "aes":
            return _aes(key).decrypt(nonce, sealed, associated)
        decryptor = Cipher(SM4(key), GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
        decryptor.authenticate_additional_data(associated)
        return decryptor.update(sealed[:-TAG_BYTES]) + decryptor.finalize()
    except InvalidTag:
        raise SealBroken("the sealed value was altered, or sealed for another place") from None


def keyed_hash(suite: Suite, key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 or HMAC-SM3: 32 bytes."""
    context = _keyed(suite, key).copy()
    context.update(content)
    return context.finalize()


@lru_cache(maxsize=512)
def derive(suite: Suite, secret: bytes, purpose: str, size: int) -> bytes:
    """The key of `size` bytes for one purpose (HKDF, RFC 5869, no salt: the secret is random)."""
    return HKDF(_hash(suite), size, salt=None, info=b"onecert/" + purpose.encode()).derive(secret)


def join(*parts: bytes | str | int) -> bytes:
    """The parts, each with its kind and length in front: no two lists of parts join alike."""
    framed: list[bytes] = []
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode()
        kind = b"s" if isinstance(part, str) else b"b" if isinstance(part, bytes) else b"i"
        framed += (_FRAME.pack(kind, len(content)), content)
    return b"".join(framed)


@lru_cache(maxsize=512)
def _aes(key: bytes) -> AESGCM:
    return AESGCM(key)


@lru_cache(maxsize=512)
def _keyed(suite: Suite, key: bytes) -> hmac.HMAC:
    # To be copied: the work that depends on the key alone is done once.
    return hmac.HMAC(key, _hash(suite))


def _hash(suite: Suite) -> hashes.HashAlgorithm:
    return hashes.SHA256() if suite == "aes" else hashes.SM3()


def self_test() -> None:
    """Known answers of every algorithm; RuntimeError when this build computes one wrongly.

    Sources: AES-256-GCM, test case 14 of the GCM specification (McGrew and Viega, 2005);
    SM4-GCM, RFC 8998 appendix A.1; HMAC-SHA256, RFC 4231 case 2; SM3, GB/T 32905 example 1.
    """
    for name, found, expected in _known_answers():
        if not hmac_equal(found, bytes.fromhex(expected)):
            raise RuntimeError(f"self test failed: {name} is computed wrongly on this machine")


def hmac_equal(one: bytes, other: bytes) -> bool:
    """Are both the same? In constant time; the only way to compare MACs and tokens."""
    return secrets.compare_digest(one, other)


def _known_answers() -> tuple[tuple[str, bytes, str], ...]:
    sm4 = bytes.fromhex("0123456789abcdeffedcba9876543210")
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(b"abc")
    return (
        (
            "AES-256-GCM",
            encrypt("aes", bytes(32), bytes(12), bytes(16), b""),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        ),
        (
            "SM4-GCM",
            encrypt(
                "sm",
                sm4,
                bytes.fromhex("00001234567800000000abcd"),
                bytes.fromhex(
                    "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
                    "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
                ),
                bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
            ),
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
            "83de3541e4c2b58177e065a9bf7b62ec",
        ),
        (
            "HMAC-SHA256",
            keyed_hash("aes", b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("SM3", sm3.finalize(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    )
