import re
from collections.abc import Callable
from typing import Any

import pytest

from config.crypto.http_signatures import ALGORITHMS, sign, verify
from config.errors import SignatureInvalid

NOW = 1_795_327_500_000
URL = "https://partner.example/onecert/v1/lookups"
PATH = "/onecert/v1/lookups"
BODY = b'{"batch":"1"}'
SECRET = "k" * 43
SECRETS = {"onecert-1": SECRET}


def signed(body: bytes = BODY, **change: object) -> dict[str, str]:
    options = {"content_type": "application/json", "key_id": "onecert-1", "secret": SECRET, "now": NOW, **change}
    return sign("POST", URL, body, **options)  # type: ignore[arg-type]


def check(headers: dict[str, str], **change: object) -> str:
    options: dict[str, object] = {"secrets": SECRETS, "now": NOW, "seen": lambda nonce: False, **change}
    place = {"method": "POST", "url": PATH, "body": BODY}
    method, url, body = (options.pop(name, place[name]) for name in place)
    return verify(method, url, headers, body, **options)  # type: ignore[arg-type]


def refused(headers: dict[str, str], **change: object) -> None:
    with pytest.raises(SignatureInvalid) as caught:
        check(headers, **change)
    assert (caught.value.status, caught.value.code) == (401, "signature_invalid")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signed_request_is_accepted_and_names_its_key(algorithm: str) -> None:
    assert check(signed(algorithm=algorithm)) == "onecert-1"


def test_the_headers_are_those_of_the_protocol() -> None:
    headers = signed(nonce="n" * 22)
    assert list(headers) == ["Content-Type", "Content-Digest", "Signature-Input", "Signature"]
    assert headers["Signature-Input"] == (
        'onecert=("@method" "@path" "content-digest" "content-type");created=1795327500;keyid="onecert-1"'
        f';alg="hmac-sha256";nonce="{"n" * 22}";tag="onecert"'
    )
    assert re.fullmatch(r"sha-256=:[A-Za-z0-9+/]{43}=:", headers["Content-Digest"])
    assert re.fullmatch(r"onecert=:[A-Za-z0-9+/]{43}=:", headers["Signature"])


def test_header_names_may_have_any_case() -> None:
    assert check({name.lower(): value for name, value in signed().items()})


def test_the_label_does_not_count_but_the_tag_does() -> None:
    headers = signed()
    for name in ("Signature-Input", "Signature"):
        headers[name] = headers[name].replace("onecert=", "other=", 1)
    assert check(headers)
    headers["Signature-Input"] = headers["Signature-Input"].replace('tag="onecert"', 'tag="other"')
    refused(headers)


@pytest.mark.parametrize("change", [{"method": "PUT"}, {"url": "/onecert/v1/other"}, {"body": b'{"batch":"2"}'}])
def test_what_was_signed_cannot_be_used_for_something_else(change: Any) -> None:
    refused(signed(), **change)


def test_every_altered_character_of_the_headers_is_noticed() -> None:
    headers = signed(nonce="n" * 22)
    for name, value in headers.items():
        for position, character in enumerate(value):
            other = "B" if character != "B" else "C"
            altered = value[:position] + other + value[position + 1 :]
            if name == "Signature" and position < len("onecert="):
                continue  # the label alone: then both headers disagree, checked below
            refused({**headers, name: altered})


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature-Input", "Signature"])
def test_no_header_may_be_missing(name: str) -> None:
    headers = signed()
    del headers[name]
    refused(headers)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_is_fresh_for_five_minutes_either_way(seconds: float) -> None:
    assert check(signed(now=NOW + seconds * 1000))


@pytest.mark.parametrize("seconds", [-301, 301, -10_000_000, 86_400])
def test_a_signature_of_another_time_is_refused(seconds: float) -> None:
    refused(signed(now=NOW + seconds * 1000))


def test_while_a_key_changes_both_are_accepted() -> None:
    for secret in ("old" * 14, "new" * 14):
        assert check(signed(secret=secret), secrets={"onecert-1": ["old" * 14, "new" * 14]})
    refused(signed(secret="older" * 9), secrets={"onecert-1": ["old" * 14, "new" * 14]})


def test_the_key_of_one_partner_does_not_speak_for_another() -> None:
    refused(signed(key_id="other"), secrets={"onecert-1": SECRET, "other": "x" * 43})
    refused(signed(key_id="unknown"))


def test_a_key_without_a_secret_accepts_nothing() -> None:
    refused(signed(), secrets={"onecert-1": []})


def test_less_than_the_whole_request_may_not_be_signed() -> None:
    headers = signed()
    headers["Signature-Input"] = headers["Signature-Input"].replace('"@path" ', "")
    refused(headers)


@pytest.mark.parametrize("parameter", ["created=1795327500", 'keyid="onecert-1"', 'alg="hmac-sha256"'])
def test_no_parameter_may_be_missing(parameter: Any) -> None:
    headers = signed()
    headers["Signature-Input"] = headers["Signature-Input"].replace(f";{parameter}", "")
    refused(headers)


@pytest.mark.parametrize("nonce", ["short", "n" * 129])
def test_a_nonce_of_odd_length_is_refused(nonce: Any) -> None:
    refused(signed(nonce=nonce))


def test_two_signatures_in_one_request_are_refused() -> None:
    one, other = signed(), signed()
    for name in ("Signature-Input", "Signature"):
        one[name] = f"{one[name]}, {other[name].replace('onecert=', 'second=', 1)}"
    refused(one)


@pytest.mark.parametrize(
    "value", ["", "onecert", "=", "()", "onecert=();created=1", "é", "onecert=:AAAA:", "\x00", "(" * 9999]
)
@pytest.mark.parametrize("name", ["Signature-Input", "Signature", "Content-Digest"])
def test_rubbish_is_refused_and_breaks_nothing(name: str, value: Any) -> None:
    refused({**signed(), name: value})


def test_replay_is_asked_about_last_and_with_the_key() -> None:
    asked: list[str] = []
    seen: Callable[[str], bool] = lambda nonce: bool(asked.append(nonce))  # noqa: E731
    refused(signed(secret="wrong" * 8), seen=seen)
    assert asked == []
    assert check(signed(nonce="n" * 22), seen=seen)
    assert asked == ["onecert-1:" + "n" * 22]


def test_a_request_that_was_received_before_is_refused() -> None:
    refused(signed(), seen=lambda nonce: True)


@pytest.mark.parametrize("agreed", ALGORITHMS)
def test_only_the_algorithm_that_was_agreed_on_is_taken(agreed: str) -> None:
    """security fault S24: `hmac-sm3` was taken where `hmac-sha256` was agreed on."""
    (other,) = set(ALGORITHMS) - {agreed}
    assert check(signed(algorithm=agreed), algorithm=agreed) == "onecert-1"
    refused(signed(algorithm=other), algorithm=agreed)
