"""A throw-away certificate authority, and servers' certificates of every kind."""

from __future__ import annotations

import ssl
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = timedelta(days=1)
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def name_of(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


class Authority:
    """`file` is the PEM file of its own certificate."""

    def __init__(self, directory: Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name_of(f"Throw-away CA {directory.name}")
        self.file = directory / "authority.pem"
        own = self._builder(self.name, self.key, self.name, now() + 30 * DAY)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file.write_bytes(own.sign(self.key, hashes.SHA256()).public_bytes(PEM))

    def server(self, address: str = "127.0.0.1", *, days: int = 30, self_signed: bool = False) -> ssl.SSLContext:
        """Return what a server needs whose certificate names this address and ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = name_of(address)
        issuer, signer = (name, key) if self_signed else (self.name, self.key)
        builder = self._builder(name, key, issuer, now() + days * DAY)
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        certificate = builder.add_extension(alternative, critical=False).sign(signer, hashes.SHA256())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as both:
            both.write(certificate.public_bytes(PEM) + key.private_bytes(PEM, PKCS8, serialization.NoEncryption()))
            both.flush()
            context.load_cert_chain(both.name)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, until: datetime
    ) -> x509.CertificateBuilder:
        begun = now() - 60 * DAY
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        return builder.serial_number(x509.random_serial_number()).not_valid_before(begun).not_valid_after(until)
