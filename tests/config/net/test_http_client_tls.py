"""The way out over TLS: whose certificates are taken, and the same limits."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.errors import NoAnswerError, NotSentError
from config.net.http_client import HttpClient
from tests.config.peers import MEBIBYTE, OK, answering, dripping, fails, peer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.fromtimestamp(time.time(), UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
    signed = builder.add_extension(x509.BasicConstraints(True, 0), True).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "peer.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_https_works_with_the_authority_of_the_settings(certificate: Any, tls: Any) -> None:
    http = HttpClient(certificate)
    with peer(answering(OK), tls) as url:
        assert http.post(url, b"x", {}).status == 200
    http.close()


def test_an_unknown_certificate_means_not_sent(http: HttpClient, tls: Any) -> None:
    with peer(answering(OK), tls) as url:
        fails(NotSentError, "tls", 2, lambda: http.post(url, b"x", {}))


def test_a_handshake_that_hangs_means_not_sent(http: HttpClient) -> None:
    with peer(lambda connection: time.sleep(60)) as url:
        secure = url.replace("http:", "https:")
        fails(NotSentError, "timeout", 2, lambda: http.post(secure, b"x", {}, connect=0.5))


def test_the_total_time_holds_over_https(certificate: Any, tls: Any) -> None:
    http = HttpClient(certificate)
    with peer(dripping(b"HTTP/1.1 200 OK\r\nX-Drip: "), tls) as url:
        fails(NoAnswerError, "timeout", 5, lambda: http.post(url, b"x", {}, read=5, total=3))
    with peer(lambda connection: time.sleep(60), tls) as url:
        fails(NoAnswerError, "timeout", 5, lambda: http.post(url, MEBIBYTE * 32, {}, read=5, total=3))
    http.close()
