"""A certificate such as Alipay's, for the certificate mode."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


def make_certificate(key: RSAPrivateKey, serial_number: int) -> str:
    """A self-signed certificate in PEM."""
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
