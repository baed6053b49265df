"""Sealed bodies of the lookup protocol: one compact JWE, `alg: dir`, `enc` A256GCM or SM4GCM. Pure.

The key is derived from the secret that signs, so that there is one secret to agree on and to change:
A256GCM: HMAC-SHA256(secret, "onecert/seal/A256GCM"), 32 bytes; SM4GCM: the first 16 bytes of
HMAC-SM3(secret, "onecert/seal/SM4GCM").
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwa import JWEEncModel
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import OctKey

from config.crypto.suites import TAG_BYTES, Suite, decrypt, encrypt, keyed_hash
from config.errors import SealBroken
from enterprises.errors import AnswerInvalid

SUITE_OF: Final[dict[str, Suite]] = {"A256GCM": "aes", "SM4GCM": "sm"}
KEY_BYTES: Final = {"A256GCM": 32, "SM4GCM": 16}
LONGEST: Final = 8 * 1024 * 1024


class _Sm4Gcm(JWEEncModel):
    """SM4-GCM (RFC 8998) as a content encryption; JOSE has no registered name for it."""

    name = "SM4GCM"
    description = "SM4 GCM using a 128-bit key"
    iv_size = 96
    cek_size = 128

    def encrypt(self, plaintext: bytes, cek: bytes, iv: bytes, aad: bytes) -> tuple[bytes, bytes]:
        """Return (ciphertext, tag)."""
        sealed = encrypt("sm", cek, iv, plaintext, aad)
        return sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]

    def decrypt(self, ciphertext: bytes, tag: bytes, cek: bytes, iv: bytes, aad: bytes) -> bytes:
        """Return the plain text; SealBroken when anything was altered."""
        if len(tag) != TAG_BYTES:
            raise SealBroken("the tag has another length")
        return decrypt("sm", cek, iv, ciphertext + tag, aad)


class _Registry(JWERegistry):
    """Accept only `dir` and the agreed encryption: no other algorithm, and no `zip` (decompression bombs)."""

    max_ciphertext_length = LONGEST


JWERegistry.register(_Sm4Gcm())


def seal_body(seal: str, secret: str, key_id: str, body: bytes) -> bytes:
    """Return the body as one compact JWE; `seal` is "A256GCM" or "SM4GCM"."""
    header = {"alg": "dir", "enc": seal, "kid": key_id}
    return encrypt_compact(header, body, _key(seal, secret), registry=_registry(seal)).encode()


def open_body(seal: str, secrets: Sequence[str], sealed: bytes) -> bytes:
    """Open a body sealed with one of `secrets`; AnswerInvalid reveals nothing of the content."""
    for secret in secrets:
        try:
            found = decrypt_compact(sealed, _key(seal, secret), registry=_registry(seal))
        except (JoseError, SealBroken, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        if found.plaintext is not None:
            return found.plaintext
    raise AnswerInvalid(f"the answer is refused: it is not sealed as agreed ({seal})")


@lru_cache(maxsize=256)
def _key(seal: str, secret: str) -> OctKey:
    derived = keyed_hash(SUITE_OF[seal], secret.encode(), f"onecert/seal/{seal}".encode())
    return OctKey.import_key(derived[: KEY_BYTES[seal]])


@lru_cache(maxsize=4)
def _registry(seal: str) -> JWERegistry:
    return _Registry(algorithms=["dir", seal])
