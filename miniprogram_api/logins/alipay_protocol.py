"""Alipay's open platform, the texts: signed requests, verified answers, the sealed phone number. Pure.

RSA2 is SHA256withRSA, PKCS#1 v1.5. What is signed of an answer is its text as it stands, so the member is cut out of it
verbatim, by a JSON reader that knows where it ends, and never written anew.
"""

from __future__ import annotations

import base64
import binascii
import json
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.padding import PKCS7

from config.times.formats import shanghai

BLOCK = 16
ZERO_IV = bytes(BLOCK)
SIGN_TYPE = "RSA2"
SUCCESS = "10000"
IDENTITIES = ("open_id", "user_id", "union_id", "access_token")
"""Members that an error never has."""
KEY_SIZES = (16, 24, 32)
_SPACES = " \t\r\n"
_READER = json.JSONDecoder(strict=False)
"""Raw control characters in a message are no reason to miss its code."""
_CODECS = (("utf-8", "strict"), ("gb18030", "strict"), ("utf-8", "surrogateescape"))
"""Alipay's gateway writes some errors in GBK, and cuts some in the middle of a character."""


class Unverified(Exception):
    """A text that Alipay did not sign, or no answer of Alipay's."""


@dataclass(frozen=True)
class Answer:
    """The members of an answer; `failed` when they are an error's."""

    members: Mapping[str, Any] = field(repr=False)
    failed: bool


@dataclass(frozen=True)
class PlatformKey:
    """A key of Alipay's; in certificate mode with the serial number that its answers must name."""

    public: rsa.RSAPublicKey = field(repr=False)
    serial: str = ""


def build_request(
    method: str,
    fields: Mapping[str, str],
    *,
    app_id: str,
    private_key: rsa.RSAPrivateKey,
    now: int,
    certificates: Mapping[str, str],
) -> tuple[str, bytes]:
    """Build the query string and the form body of a signed call at `now` (epoch ms).

    What is the platform's stands in the query; what is the citizen's (a login code) only in the body, because
    addresses are written to logs. `certificates` are the serial numbers of certificate mode; empty with public keys.
    """
    common = {
        "app_id": app_id,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": SIGN_TYPE,
        "timestamp": shanghai(now).strftime("%Y-%m-%d %H:%M:%S"),
        "version": "1.0",
        **certificates,
    }
    signature = sign(text_to_sign({**common, **fields}), private_key)
    return urlencode({**common, "sign": signature}), urlencode(fields).encode()


def text_to_sign(parameters: Mapping[str, str]) -> bytes:
    """Join sorted `name=value` with `&`, unencoded; empty values and `sign` are left out."""
    named = sorted((name, value) for name, value in parameters.items() if value and name != "sign")
    return "&".join(f"{name}={value}" for name, value in named).encode()


def sign(text: bytes, private_key: rsa.RSAPrivateKey) -> str:
    """Return the RSA2 signature in base64."""
    return base64.b64encode(private_key.sign(text, PKCS1v15(), SHA256())).decode()


def verify(text: bytes, signature: str, public_key: rsa.RSAPublicKey) -> None:
    """Verify that the key's owner signed this text. Raises Unverified."""
    try:
        public_key.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise Unverified("the signature does not fit") from None


def parse_answer(body: bytes, method: str, keys: Sequence[PlatformKey]) -> Answer:
    """Parse the answer to `method`: the members of its response or `error_response`. Raises Unverified.

    What can only be an error (a code other than 10000, and nobody's id) may come unsigned, wherever it stands: a wrong
    app id has no key to sign with. It is returned as nothing but an error.
    """
    codec, parts = _read_members(body)
    name = f"{method.replace('.', '_')}_response"
    member = name if name in parts else "error_response"
    if member not in parts:
        raise Unverified("no such answer")
    members = _object(parts[member])
    failed = member == "error_response" or str(members.get("code", SUCCESS)) != SUCCESS
    signature = _text(parts.get("sign", '""'))
    if signature or not failed or any(members.get(known) for known in IDENTITIES):
        certificate = _text(parts.get("alipay_cert_sn", '""'))
        _verify_any(parts[member].encode(codec, "surrogateescape"), signature, certificate, keys, failed=failed)
    return Answer(members, failed)


def _verify_any(text: bytes, signature: str, certificate: str, keys: Sequence[PlatformKey], *, failed: bool) -> None:
    """Verify with the keys whose certificate the answer names. Raises Unverified."""
    named = [key for key in keys if not key.serial or key.serial == certificate or (failed and not certificate)]
    if not named:
        raise Unverified("another certificate than the one that is known")
    verify_any(text, signature, [key.public for key in named])


def verify_any(text: bytes, signature: str, public_keys: Sequence[rsa.RSAPublicKey]) -> None:
    """Verify that the owner of one of the keys signed this text. Raises Unverified."""
    for key in public_keys:
        try:
            return verify(text, signature, key)
        except Unverified:
            continue
    raise Unverified("the signature does not fit")


def cut_members(body: bytes) -> dict[str, str]:
    """Cut a JSON object into its members, each value verbatim. Raises Unverified, also for a duplicate name."""
    return _read_members(body)[1]


def _read_members(body: bytes) -> tuple[str, dict[str, str]]:
    """Return the body's encoding and its members."""
    for codec, errors in _CODECS:
        try:
            text = body.removeprefix(BOM_UTF8).decode(codec, errors)
            json.loads(text, strict=False)  # the cutting below looks for places and takes the grammar for granted
            return codec, _cut(text)
        except UnicodeDecodeError:
            continue
        except (ValueError, IndexError, RecursionError):
            break
    raise Unverified("no JSON object")


def open_phone(
    response: str, signature: str, public_keys: Sequence[rsa.RSAPublicKey], content_keys: Sequence[str]
) -> dict[str, Any]:
    """Open the result of `my.getPhoneNumber`: `{"code": "10000", "mobile"}` or an error. Raises Unverified.

    Ciphertext is signed with the quotes it had in its JSON; an error is plain JSON and signed as it stands.
    """
    if response.lstrip().startswith("{"):
        verify_any(response.encode(), signature, public_keys)
        return _object(response)
    verify_any(f'"{response}"'.encode(), signature, public_keys)
    for content_key in content_keys:
        with suppress(Unverified):
            return _object(_decrypt(response, content_key))
    raise Unverified("what is sealed does not open")


def seal_phone(plain: str, content_key: str) -> str:
    """Seal a phone's JSON as the platform does."""
    padder = PKCS7(AES.block_size).padder()
    encryptor = Cipher(AES(_key(content_key)), CBC(ZERO_IV)).encryptor()
    padded = padder.update(plain.encode()) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def _decrypt(response: str, content_key: str) -> str:
    try:
        decryptor = Cipher(AES(_key(content_key)), CBC(ZERO_IV)).decryptor()
        padded = decryptor.update(base64.b64decode(response, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(AES.block_size).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (binascii.Error, ValueError):
        raise Unverified("what is sealed does not open") from None


def _key(content_key: str) -> bytes:
    key = base64.b64decode(content_key)
    if len(key) not in KEY_SIZES:
        raise ValueError("no AES key")
    return key


def _cut(text: str) -> dict[str, str]:
    members: dict[str, str] = {}
    at = _skip(text, 0, "{")
    while text[at] != "}":
        name, end = _READER.raw_decode(text, at)
        start = _skip(text, end, ":")
        _, end = _READER.raw_decode(text, start)
        if not isinstance(name, str) or name in members:
            raise ValueError("a name twice")
        members[name] = text[start:end]
        at = _skip(text, end, "," if text[_skip(text, end)] == "," else "")
    if text[at + 1 :].strip(_SPACES):
        raise ValueError("more than one object")
    return members


def _skip(text: str, at: int, sign: str = "") -> int:
    """Return the position after white space, `sign`, and white space."""
    while text[at] in _SPACES:
        at += 1
    if not sign:
        return at
    if text[at] != sign:
        raise ValueError("no JSON object")
    return _skip(text, at + 1)


def _object(text: str) -> dict[str, Any]:
    try:
        members = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        raise Unverified("no JSON object") from None
    if not isinstance(members, dict):
        raise Unverified("no JSON object")
    return members


def _text(raw: str) -> str:
    text = json.loads(raw, strict=False)
    return text if isinstance(text, str) else ""
