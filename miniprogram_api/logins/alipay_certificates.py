"""The serial numbers that Alipay's certificate mode wants in a request. Pure.

`python -m miniprogram_api.logins.alipay_certificates < alipayRootCert.crt` prints what to write into the catalogue.
"""

from __future__ import annotations

import hashlib
import sys

from cryptography import x509

from config.crypto.rsa_keys import KeyInvalid

RSA_SIGNATURES = "1.2.840.113549.1.1."


def certificate_sn(pem: str) -> str:
    """MD5 of issuer and serial number, as Alipay names a certificate. Raises KeyInvalid."""
    return _sn(_load(pem)[0])


def root_sn(pem: str) -> str:
    """The serial numbers of all RSA-signed certificates of a bundle, joined by `_`; of one, its own."""
    return "_".join(
        _sn(one) for one in _load(pem) if one.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES)
    )


def _load(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.strip().encode())
    except ValueError:
        raise KeyInvalid("this is no certificate in PEM") from None


def _sn(certificate: x509.Certificate) -> str:
    # MD5 is what the platform specifies for a name; nothing is secured by it.
    text = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(f"{root_sn(sys.stdin.read())}\n")
