"""Signed requests between us and our partners: RFC 9421 with the digest of RFC 9530.

One scheme for the lookup protocol and the signed SMS link, in both directions: HMAC over
`"@method" "@path" "content-digest" "content-type"`, with a time and a nonce, under the tag
`onecert`. The library builds and checks the texts; freshness, replay and key change are ours.
"""

import secrets as random_source
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    InvalidSignature,
    MappingKeyResolver,
)
from requests.structures import CaseInsensitiveDict

from config.crypto.suites import Suite, hmac_equal, keyed_hash
from config.errors import SignatureInvalid

LABEL = "onecert"
TAG = "onecert"
COVERED = ("@method", "@path", "content-digest", "content-type")
FRESH_S = 300


class _Hmac(HTTPSignatureAlgorithm):
    """Signs with the first secret and accepts any: while a key changes there are two."""

    suite: Suite

    def __init__(self, public_key: Any = None, private_key: Any = None) -> None:
        self._secrets: Sequence[bytes] = public_key or private_key or ()

    def sign(self, message: bytes) -> bytes:
        return keyed_hash(self.suite, self._secrets[0], message)

    def verify(self, signature: bytes, message: bytes) -> None:
        matches = [hmac_equal(signature, keyed_hash(self.suite, secret, message)) for secret in self._secrets]
        if not any(matches):
            raise InvalidSignature("the signature does not match")


class _HmacSha256(_Hmac):
    algorithm_id = "hmac-sha256"
    suite: Suite = "aes"


class _HmacSm3(_Hmac):
    algorithm_id = "hmac-sm3"
    suite: Suite = "sm"


ALGORITHMS: dict[str, type[_Hmac]] = {kind.algorithm_id: kind for kind in (_HmacSha256, _HmacSm3)}


class _Message:
    def __init__(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self.method = method.upper()
        # Only the path is covered; the library wants a whole address to take it from.
        self.url = url if parts.scheme else f"http://onecert{url}"
        self.headers = CaseInsensitiveDict(headers)


class _Verifier(HTTPMessageVerifier):
    """Judges freshness by the given time; the library would ask this machine's clock."""

    now_s: int = 0

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or abs(self.now_s - created) > FRESH_S:
            raise InvalidSignature("the signature is not fresh")
        if expires is not None and (type(expires) is not int or expires < self.now_s):
            raise InvalidSignature("the signature has expired")


def sign(
    method: str,
    url: str,
    body: bytes,
    *,
    content_type: str,
    key_id: str,
    secret: str,
    algorithm: str = "hmac-sha256",
    now: int,
    nonce: str | None = None,
) -> dict[str, str]:
    """The headers to send with this request: content type, digest, signature input, signature."""
    message = _Message(method, url, {"Content-Type": content_type})
    signer = HTTPMessageSigner(
        signature_algorithm=ALGORITHMS[algorithm],
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: (secret.encode(),)}),  # type: ignore[dict-item]
    )
    signer.sign(
        message,
        key_id=key_id,
        created=datetime.fromtimestamp(now // 1000, tz=UTC),
        nonce=nonce or random_source.token_urlsafe(16),
        label=LABEL,
        tag=TAG,
        covered_component_ids=COVERED,
        body=body,
    )
    return dict(message.headers)


def verify(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Mapping[str, str | Sequence[str]],
    now: int,
    seen: Callable[[str], bool],
    algorithm: str | None = None,
) -> str:
    """The key id that signed this request; SignatureInvalid when it is not genuine, fresh and new.

    `url` may be the path alone. `secrets` holds for each key id the secret, or several while it
    changes. `algorithm`: the one that was agreed on. `seen` is asked last, with a text that is
    unique to the request, and remembers it.
    """
    message = _Message(method, url, headers)
    known = {key_id: _as_bytes(value) for key_id, value in secrets.items()}
    named = 'alg="hmac-sm3"' in message.headers.get("Signature-Input", "")
    verifier = _Verifier(
        signature_algorithm=_HmacSm3 if named else _HmacSha256,  # the library compares it with `alg`
        key_resolver=MappingKeyResolver(public_keys=known, private_keys={}),  # type: ignore[arg-type]
    )
    verifier.now_s = now // 1000
    try:
        results = verifier.verify(message, expect_tag=TAG, require_components=COVERED, body=body)
    except (HTTPMessageSignaturesException, ValueError) as error:
        raise SignatureInvalid("the signature is missing, wrong or not fresh") from error
    if algorithm is not None and results[0].parameters.get("alg") != algorithm:
        raise SignatureInvalid("the signature is made with another algorithm than the one agreed on")
    return _accept_once(results, seen)


def _accept_once(results: Sequence[Any], seen: Callable[[str], bool]) -> str:
    if len(results) != 1:
        raise SignatureInvalid("the request carries more than one signature")
    key_id, nonce = str(results[0].parameters["keyid"]), results[0].nonce
    if "alg" not in results[0].parameters or not nonce or not 8 <= len(nonce) <= 128:
        raise SignatureInvalid("the signature names no algorithm, or no nonce of 8 to 128 characters")
    if seen(f"{key_id}:{nonce}"):
        raise SignatureInvalid("the request was received before")
    return key_id


def _as_bytes(value: str | Sequence[str]) -> tuple[bytes, ...]:
    return (value.encode(),) if isinstance(value, str) else tuple(item.encode() for item in value)
