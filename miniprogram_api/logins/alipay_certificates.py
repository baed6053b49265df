"""The serial numbers that Alipay's certificate mode wants in a request. Pure.

`python -m miniprogram_api.logins.alipay_certificates < alipayRootCert.crt` prints what to write into the catalogue.
"""

from __future__ import annotations

import hashlib
import sys

from cryptography import x509

from config.crypto.rsa_keys import KeyInvalid, load_certificates

RSA_SIGNATURES = "1.2.840.113549.1.1."


def certificate_sn(pem: str) -> str:
    """MD5 of issuer and serial number of the first certificate, as Alipay names it. Raises KeyInvalid."""
    return _sn(load_certificates(pem)[0])


def root_sn(pem: str) -> str:
    """The serial numbers of all RSA-signed certificates of a bundle, joined by `_`. Raises KeyInvalid."""
    names = [_sn(one) for one in load_certificates(pem) if _is_rsa_signed(one)]
    if not names:
        raise KeyInvalid("this bundle has no certificate with an RSA signature")
    return "_".join(names)


def _is_rsa_signed(certificate: x509.Certificate) -> bool:
    return certificate.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES)


def _sn(certificate: x509.Certificate) -> str:
    # MD5 is what the platform specifies for a name; nothing is secured by it.
    text = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    sys.stdout.write(f"{root_sn(sys.stdin.read())}\n")
