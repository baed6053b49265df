"""WeChat's message signature and message cipher (pure).

Source of the rules: WeChat's 消息加解密说明. Signatures are SHA-1 because the platform says so; they are
MACs under a shared token, and a body that matters is encrypted and carries the account's app id inside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wechat.errors import BadPush, SignatureWrong

_PAD_BLOCK = 32  # the platform pads to 32 bytes, twice AES's own block
_SALT = 16
_LENGTH = 4


def sign(*parts: str) -> str:
    """Hex SHA-1 over the sorted, joined parts: token, timestamp, nonce and, for a sealed body, Encrypt."""
    joined = "".join(sorted(parts)).encode("utf-8", "replace")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def is_signed(signature: str, *parts: str) -> bool:
    """Compare in constant time; a signature that is not ASCII is simply wrong."""
    return hmac.compare_digest(signature.encode("utf-8", "replace"), sign(*parts).encode())


def parse_aes_key(text: str) -> bytes:
    """Turn an EncodingAESKey of 43 characters into its 32 bytes.

    The 43rd character carries two bits that belong to nothing; real keys have them set, so they are ignored.

    Raises ValueError when it is no such key.
    """
    if len(text) != 43:
        raise ValueError("an EncodingAESKey has 43 characters")
    return base64.b64decode(text + "=", validate=True)


def encrypt(plain: bytes, key: bytes, app_id: str, salt: bytes | None = None) -> str:
    """Seal a body as the platform does: base64(AES-256-CBC(salt + length + body + app id)); 16 bytes of salt."""
    packed = (salt or secrets.token_bytes(_SALT)) + len(plain).to_bytes(_LENGTH, "big") + plain + app_id.encode()
    pad = _PAD_BLOCK - len(packed) % _PAD_BLOCK
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(packed + bytes([pad]) * pad) + cipher.finalize()).decode()


def decrypt(encrypted: str, key: bytes, app_id: str) -> bytes:
    """Open what `encrypt` or the platform sealed for this app id.

    Raises BadPush when it is no such ciphertext, SignatureWrong when it was sealed for another account.
    """
    packed = _unpad(_decipher(encrypted, key))
    end = _SALT + _LENGTH + int.from_bytes(packed[_SALT : _SALT + _LENGTH], "big")
    if not _SALT + _LENGTH <= end <= len(packed):
        raise BadPush("The sealed body's length does not fit.")
    if not hmac.compare_digest(packed[end:], app_id.encode()):
        raise SignatureWrong("The sealed body is meant for another account.")
    return packed[_SALT + _LENGTH : end]


def _decipher(encrypted: str, key: bytes) -> bytes:
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except ValueError:
        raise BadPush("The sealed body is not base64.") from None
    if not sealed or len(sealed) % 16:
        raise BadPush("The sealed body is not whole blocks.")
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    return cipher.update(sealed) + cipher.finalize()


def _unpad(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= _PAD_BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise BadPush("The sealed body's padding is wrong.")
    return padded[:-pad]
