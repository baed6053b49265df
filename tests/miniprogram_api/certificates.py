"""Certificates such as Alipay's, for the certificate mode."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


def make_certificate(key: RSAPrivateKey, serial_number: int) -> str:
    """A self-signed certificate in PEM."""
    return _make(key, serial_number)


def make_ecdsa_certificate(serial_number: int) -> str:
    """The same with an elliptic curve's key."""
    return _make(ec.generate_private_key(ec.SECP256R1()), serial_number)


def with_null_parameters(pem: str) -> str:
    """The ECDSA certificate with NULL parameters in both signature algorithms, as Alipay's bundle has one."""
    der = base64.b64decode("".join(pem.split("-----")[2].split()))
    plain, null = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300c06082a8648ce3d0403020500")
    outer, inner = _content(der)
    signed_length = _size(outer)
    signed, rest = outer[:signed_length], outer[signed_length:]
    fields, _ = _content(signed)
    assert inner == b"" and plain in fields and plain in rest
    built = _sequence(_sequence(fields.replace(plain, null, 1)) + rest.replace(plain, null, 1))
    text = base64.encodebytes(built).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


def _content(der: bytes) -> tuple[bytes, bytes]:
    """The content of the SEQUENCE (two length bytes) that `der` begins with, and what follows it."""
    size = _size(der)
    return der[4:size], der[size:]


def _size(der: bytes) -> int:
    assert der[:2] == b"\x30\x82"
    return 4 + int.from_bytes(der[2:4], "big")


def _sequence(content: bytes) -> bytes:
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


def _make(key: RSAPrivateKey | ec.EllipticCurvePrivateKey, serial_number: int) -> str:
    parts = [
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Ant"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
        (NameOID.COMMON_NAME, "Ant Financial"),
    ]
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])
    built = x509.CertificateBuilder(name, name, key.public_key(), serial_number)
    built = built.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
    return built.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
