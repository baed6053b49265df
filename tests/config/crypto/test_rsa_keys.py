"""RSA keys as an administrator may paste them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from config.crypto.rsa_keys import KeyInvalid, load_private_key, load_public_key, public_half
from tests.support.factories import key_pairs


def test_a_key_is_read_in_every_dress_the_platforms_tools_give_it() -> None:
    ours = key_pairs()["private_key"]
    key = load_private_key(ours)
    for encoding, shape in ((Encoding.PEM, PrivateFormat.PKCS8), (Encoding.PEM, PrivateFormat.TraditionalOpenSSL)):
        again = load_private_key(key.private_bytes(encoding, shape, NoEncryption()).decode())
        assert again.private_numbers() == key.private_numbers()
    pkcs1 = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert load_private_key(base64.encodebytes(pkcs1).decode()).private_numbers() == key.private_numbers()
    public = key.public_key()
    assert load_public_key(public_half(ours)) == public
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert load_public_key(pem) == public


def test_what_is_no_rsa_key_of_2048_bits_is_refused_and_not_repeated() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505
    for key in (curve, small):
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for load, text in ((load_private_key, private), (load_public_key, public)):
            with pytest.raises(KeyInvalid):
                load(text)
    for text in ("", "canary", "中文", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "AAAA"):
        for load in (load_private_key, load_public_key):
            with pytest.raises(KeyInvalid) as refused:
                load(text)
            assert "canary" not in str(refused.value)
