"""RSA key pairs as the platforms' tools write them: base64 DER on one line, or PEM."""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from config.errors import ConfigError

KEY_BITS = 2048
EXPONENT = 65_537
CERTIFICATE = re.compile(r"-----BEGIN (?:X509 )?CERTIFICATE-----([^-]+)-----END")


class KeyInvalid(ConfigError):
    """A secret that is to be an RSA key is none."""

    code = "key_invalid"


def make_private_key() -> str:
    """A new private key: PKCS#8 DER in base64."""
    key = rsa.generate_private_key(EXPONENT, KEY_BITS)
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def public_half(private_key: str) -> str:
    """The public key of a private one: SubjectPublicKeyInfo DER in base64. Raises KeyInvalid."""
    key = load_private_key(private_key).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def load_private_key(text: str) -> rsa.RSAPrivateKey:
    """PKCS#1 or PKCS#8, base64 DER or PEM. Raises KeyInvalid, which never repeats the text."""
    try:
        raw = text.strip().encode()
        key = load_pem_private_key(raw, None) if raw.startswith(b"-") else load_der_private_key(_der(raw), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyInvalid("this is no RSA private key") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
        raise KeyInvalid("an RSA key of at least 2048 bits is needed")
    return key


def load_public_key(text: str) -> rsa.RSAPublicKey:
    """A public key (base64 DER or PEM) or the one of a PEM certificate. Raises KeyInvalid."""
    try:
        raw = text.strip().encode()
        if b"-----BEGIN CERTIFICATE" in raw:
            key: object = load_certificates(text)[0].public_key()
        else:
            key = load_pem_public_key(raw) if raw.startswith(b"-") else load_der_public_key(_der(raw))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyInvalid("this is no RSA public key") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS:
        raise KeyInvalid("an RSA key of at least 2048 bits is needed")
    return key


def load_certificates(text: str) -> list[x509.Certificate]:
    """The certificates of a PEM bundle that can be read, in its order. Raises KeyInvalid when there is none.

    Alipay's root bundle holds an ECDSA certificate whose parameters cryptography refuses; its SDKs pass over it too.
    """
    found = []
    for block in CERTIFICATE.findall(text):
        with suppress(ValueError):
            found.append(x509.load_der_x509_certificate(_der(block.encode())))
    if not found:
        raise KeyInvalid("this is no certificate in PEM")
    return found


def _der(raw: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
