"""Alipay's texts: what is signed, what is verified verbatim, what is sealed."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as some

from config.crypto.rsa_keys import KeyInvalid, load_private_key, load_public_key
from miniprogram_api.logins.alipay_certificates import certificate_sn, root_sn
from miniprogram_api.logins.alipay_protocol import (
    PlatformKey,
    Unverified,
    build_request,
    cut_members,
    open_phone,
    parse_answer,
    seal_phone,
    sign,
    text_to_sign,
    verify,
)
from tests.miniprogram_api.certificates import make_certificate, make_ecdsa_certificate, with_null_parameters
from tests.support.factories import LAUNCH_DAY, key_pairs

METHOD = "alipay.system.oauth.token"
NAME = "alipay_system_oauth_token_response"
OURS = load_private_key(key_pairs()["private_key"])
THEIRS = load_private_key(key_pairs()["sandbox_key"])
THEIR_PUBLIC = load_public_key(key_pairs()["platform_key"])
KNOWN = [PlatformKey(THEIR_PUBLIC)]
CONTENT_KEY = base64.b64encode(b"sixteen bytes !!").decode()


SM2_ROOT = """\
-----BEGIN CERTIFICATE-----
MIIBsTCCAVegAwIBAgIUPkW8uYjAxER3u2/uqFU6BwMywXUwCgYIKoEcz1UBg3Uw
LjELMAkGA1UEBhMCQ04xDDAKBgNVBAoMA0FudDERMA8GA1UEAwwIU00yIFJvb3Qw
HhcNMjYxMTMwMTczMzAxWhcNMzYxMTI3MTczMzAxWjAuMQswCQYDVQQGEwJDTjEM
MAoGA1UECgwDQW50MREwDwYDVQQDDAhTTTIgUm9vdDBZMBMGByqGSM49AgEGCCqB
HM9VAYItA0IABN/VezcRw26pDzaOmADWxteu53xFgGU8uLqsY5qk8YSX7GuLxIsJ
GO3ULyk6b5cH0ie6t7R5ABPKB/wsmhiuBM6jUzBRMB0GA1UdDgQWBBQooG5Ysn27
Vm9i/2XqWxEzQGRq4DAfBgNVHSMEGDAWgBQooG5Ysn27Vm9i/2XqWxEzQGRq4DAP
BgNVHRMBAf8EBTADAQH/MAoGCCqBHM9VAYN1A0gAMEUCIHmc0c0mzGMxWQJcmzp8
2fQ1fn33cCk7KtuN+CUBoVjzAiEA4WRSFHoQ69MDyaX2IAdb093IlgOkekCUFmqN
iJyadEw=
-----END CERTIFICATE-----
"""
"""Of our own making; Alipay's bundle begins with one such."""


def answer(member: str, name: str = NAME, **more: str) -> bytes:
    extra = "".join(f',"{key}":"{value}"' for key, value in more.items())
    return f'{{"{name}":{member},"sign":"{sign(member.encode(), THEIRS)}"{extra}}}'.encode()


def test_a_request_is_signed_over_its_sorted_parameters_and_the_code_is_in_no_address() -> None:
    query, body = build_request(
        METHOD,
        {"grant_type": "authorization_code", "code": "4b203fe6c11548bcabd8da5bb087a83b"},
        app_id="2021000000000001",
        private_key=OURS,
        now=LAUNCH_DAY,
        certificates={},
    )
    assert "4b203fe6" not in query and b"code=4b203fe6" in body
    sent = {name: values[0] for name, values in {**parse_qs(query), **parse_qs(body.decode())}.items()}
    text = (
        "app_id=2021000000000001&charset=utf-8&code=4b203fe6c11548bcabd8da5bb087a83b&format=JSON"
        "&grant_type=authorization_code&method=alipay.system.oauth.token&sign_type=RSA2"
        "&timestamp=2026-11-22 14:05:00&version=1.0"
    )
    assert text_to_sign(sent).decode() == text
    OURS.public_key().verify(base64.b64decode(sent["sign"]), text.encode(), PKCS1v15(), SHA256())


def test_what_is_empty_and_the_signature_are_not_signed_and_nothing_is_encoded() -> None:
    assert text_to_sign({"b": "中 文&=", "a": "", "sign": "x", "c": "+"}) == "b=中 文&=&c=+".encode()


@pytest.mark.parametrize(
    "member",
    [
        '{"open_id":"o1","access_token":"a"}',
        '{ "open_id" : "o1" ,\n "note": "a } in a \\" text {{", "deep": {"a": [1, {"b": "]"}]} }',
        '{"open_id":"o1","sub_msg":"验签出错 \\/ \\u4e2d"}',
    ],
)
def test_an_answer_is_verified_as_it_is_written(member: str) -> None:
    told = parse_answer(answer(member), METHOD, KNOWN)
    assert (told.members["open_id"], told.failed) == ("o1", False)
    behind = f'{{"sign":"{sign(member.encode(), THEIRS)}", "{NAME}": {member}}}'.encode()
    assert parse_answer(behind, METHOD, KNOWN).members["open_id"] == "o1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"<html>",
        b"\xff\xfe",
        b"[" * 5000,
        b"{}",
        f'{{"{NAME}":{{"open_id":"o1"}}}}'.encode(),
        f'{{"{NAME}":{{"open_id":"o1"}},"sign":""}}'.encode(),
        f'{{"{NAME}":{{"open_id":"o1"}},"sign":7}}'.encode(),
        f'{{"{NAME}":{{"open_id":"o1"}},"sign":"AAAA"}}'.encode(),
        f'{{"{NAME}":{{"open_id":"o2"}},'.encode() + answer('{"open_id":"o1"}')[1:],
        answer('{"open_id":"o1"}').replace(b"o1", b"o2"),
        answer('{"open_id":"o1"}').replace(b'"open_id"', b' "open_id"'),
        answer('{"open_id":"o1"}', name="alipay_user_info_share_response"),
        answer('"o1"'),
        answer('{"open_id":"o1"}') + b"{}",
        answer('{"code":"40002"}', name="error_response").replace(b"40002", b"20000"),
    ],
)
def test_what_alipay_did_not_sign_is_refused(body: bytes) -> None:
    with pytest.raises(Unverified):
        parse_answer(body, METHOD, KNOWN)


def test_an_error_is_an_error_signed_or_not() -> None:
    member = '{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid"}'
    for body in (answer(member, name="error_response"), f'{{"error_response":{member}}}'.encode()):
        told = parse_answer(body, METHOD, KNOWN)
        assert (told.members["sub_code"], told.failed) == ("isv.code-invalid", True)
    assert parse_answer(answer(member), METHOD, KNOWN).failed


ERROR = '{"code":"20000","msg":"Service Currently Unavailable","sub_code":"isp.unknow-error","sub_msg":"系统繁忙"}'


@pytest.mark.parametrize(
    "body",
    [
        f'{{"{NAME}":{ERROR}}}'.encode(),
        f'{{"{NAME}":{ERROR},"sign":""}}'.encode(),
        f'{{"error_response":{ERROR}}}'.encode("gbk"),
        f'{{"{NAME}":{ERROR}}}'.encode("gbk"),
        b"\xef\xbb\xbf" + f'{{"{NAME}":{ERROR}}}'.encode(),
        f'{{"{NAME}":{ERROR},"sign":"{sign(ERROR.encode("gbk"), THEIRS)}"}}'.encode("gbk"),
        f'{{"error_response":{ERROR.replace(chr(34) + "20000" + chr(34), "20000")}}}'.encode(),
        f'{{"{NAME}":{ERROR.replace("系统", chr(10) + chr(9))},"sign":null}}'.encode(),
        f'{{"error_response":{ERROR}}}'.encode().replace("忙".encode(), "忙".encode()[:2]),
        f'{{"error_response":{ERROR}}}'.encode("gbk").replace("忙".encode("gbk"), b"\xff"),
    ],
)
@pytest.mark.parametrize("serial", ["", "ab" * 16])
def test_an_error_is_told_unsigned_in_gbk_and_behind_a_bom(body: bytes, serial: str) -> None:
    """door fault F5, row 42 (yansongda/pay #992, #109, #80; global-open-sdk-java #1), and own variants."""
    told = parse_answer(body, METHOD, [PlatformKey(THEIR_PUBLIC, serial)])
    assert told.failed and told.members["sub_code"] == "isp.unknow-error"


@pytest.mark.parametrize(
    "member",
    [
        '{"code":"40004","open_id":"o1"}',
        '{"code":"40004","user_id":"2088"}',
        '{"code":"10000","open_id":"o1"}',
        '{"code":"40004","access_token":"a"}',
    ],
)
def test_what_names_a_person_is_never_taken_unsigned(member: str) -> None:
    for name in (NAME, "error_response"):
        with pytest.raises(Unverified):
            parse_answer(f'{{"{name}":{member}}}'.encode(), METHOD, KNOWN)


def test_each_known_key_verifies_while_alipays_key_changes() -> None:
    """door fault F6: `platform_key.next`."""
    other = PlatformKey(OURS.public_key(), "cd" * 16)
    assert not parse_answer(answer('{"open_id":"o1"}'), METHOD, [PlatformKey(OURS.public_key()), *KNOWN]).failed
    body = answer('{"open_id":"o1"}', alipay_cert_sn="ab" * 16)
    assert not parse_answer(body, METHOD, [other, PlatformKey(THEIR_PUBLIC, "ab" * 16)]).failed
    with pytest.raises(Unverified):
        parse_answer(body, METHOD, [other, PlatformKey(THEIR_PUBLIC, "ef" * 16)])
    sealed = seal_phone('{"code":"10000","mobile":"13800138000"}', CONTENT_KEY)
    signature, old = sign(f'"{sealed}"'.encode(), THEIRS), base64.b64encode(b"another key !!!!").decode()
    told = open_phone(sealed, signature, [OURS.public_key(), THEIR_PUBLIC], [old, CONTENT_KEY])
    assert told["mobile"] == "13800138000"


def test_in_certificate_mode_the_answer_names_the_certificate_that_is_known() -> None:
    body = answer('{"open_id":"o1"}', alipay_cert_sn="ab" * 16)
    assert not parse_answer(body, METHOD, [PlatformKey(THEIR_PUBLIC, "ab" * 16)]).failed
    for other in (body.replace(b"abab", b"cdab"), answer('{"open_id":"o1"}')):
        with pytest.raises(Unverified):
            parse_answer(other, METHOD, [PlatformKey(THEIR_PUBLIC, "ab" * 16)])


def test_a_certificate_is_named_by_the_md5_of_issuer_and_serial_number() -> None:
    one, two = make_certificate(THEIRS, 4711), make_certificate(THEIRS, 4712)
    issuer = x509.load_pem_x509_certificate(one.encode()).issuer.rfc4514_string()
    assert issuer == "CN=Ant Financial,OU=Certification Authority,O=Ant,C=CN"
    assert certificate_sn(one) == hashlib.md5(f"{issuer}4711".encode(), usedforsecurity=False).hexdigest()
    assert root_sn(one + two) == f"{certificate_sn(one)}_{certificate_sn(two)}"
    assert load_public_key(one).public_numbers() == THEIR_PUBLIC.public_numbers()


def test_a_bundle_is_read_one_certificate_after_the_other() -> None:
    """door fault F2, row 44 (golang/go #70136): Alipay's bundle has SM2, RSA, ECDSA with NULL parameters, RSA."""
    one, two = make_certificate(THEIRS, 4711), make_certificate(THEIRS, 4712)
    bundle = [one, with_null_parameters(make_ecdsa_certificate(7)), make_ecdsa_certificate(8), two]
    with pytest.raises(ValueError, match="asn1|parameters|algorithm"):
        x509.load_pem_x509_certificate(bundle[1].encode())
    expected = f"{certificate_sn(one)}_{certificate_sn(two)}"
    assert root_sn("\n\n".join(bundle)) == expected
    assert root_sn("subject=/CN=x\r\n" + "".join(bundle).replace("\n", "\r\n")) == expected
    no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert root_sn(no_der + one) == certificate_sn(no_der + one) == certificate_sn(one)
    lines = one.splitlines()
    spellings = {
        "no line ends (yansongda/pay #454 splits at them)": "".join(lines),
        "old Mac": one.replace("\n", "\r"),
        "an empty line behind each": "\n\n".join(lines),
        "indented, behind a BOM": "\ufeff" + "\n".join(f"  {line}\t" for line in lines),
        "OpenSSL's older label": one.replace(" CERT", " X509 CERT"),
        "one that was cut off in front": one[:200] + "\n" + one,
        "Alipay's SM2 root in front (gopay #11)": SM2_ROOT + one,
    }
    for row, text in spellings.items():
        assert root_sn(text) == certificate_sn(one), row
    assert load_public_key(no_der + one).public_numbers() == THEIR_PUBLIC.public_numbers()


def test_a_bundle_without_an_rsa_signature_is_refused() -> None:
    with pytest.raises(KeyInvalid):
        root_sn(make_ecdsa_certificate(7))


def test_what_is_no_certificate_is_refused() -> None:
    for text in ("", "canary", key_pairs()["platform_key"]):
        for name in (certificate_sn, root_sn):
            with pytest.raises(KeyInvalid):
                name(text)


def test_a_phone_is_opened_only_as_alipay_sealed_and_signed_it() -> None:
    sealed = seal_phone('{"code":"10000","msg":"Success","mobile":"13800138000"}', CONTENT_KEY)
    signature = sign(f'"{sealed}"'.encode(), THEIRS)
    assert open_phone(sealed, signature, [THEIR_PUBLIC], [CONTENT_KEY])["mobile"] == "13800138000"
    unquoted, ours = sign(sealed.encode(), THEIRS), sign(f'"{sealed}"'.encode(), OURS)
    for wrong in (unquoted, ours, "", "!"):
        with pytest.raises(Unverified):
            open_phone(sealed, wrong, [THEIR_PUBLIC], [CONTENT_KEY])
    other = base64.b64encode(b"another key !!!!").decode()
    with pytest.raises(Unverified):
        open_phone(sealed, signature, [THEIR_PUBLIC], [other])


@given(some.text(alphabet="ABCabc012+/=", max_size=80))
def test_whatever_is_signed_and_is_no_sealed_json_is_refused(text: str) -> None:
    with pytest.raises(Unverified):
        open_phone(text, sign(f'"{text}"'.encode(), THEIRS), [THEIR_PUBLIC], [CONTENT_KEY])


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda below: some.lists(below, max_size=3) | some.dictionaries(some.text(), below, max_size=3),
    max_leaves=8,
)


@given(
    some.dictionaries(some.text(), JSON, max_size=4), some.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])
)
def test_members_are_cut_out_verbatim(members: dict[str, object], separators: tuple[str, str]) -> None:
    written = json.dumps(members, ensure_ascii=False, separators=separators)
    cut = cut_members(written.encode())
    assert {name: json.loads(text) for name, text in cut.items()} == members
    assert all(text in written for text in cut.values())


@given(some.binary(max_size=200))
def test_no_bytes_are_a_fault_of_ours(body: bytes) -> None:
    with pytest.raises(Unverified):
        parse_answer(body, METHOD, KNOWN)


def test_a_signature_of_another_key_does_not_verify() -> None:
    with pytest.raises(Unverified):
        verify(b"text", sign(b"text", OURS), THEIR_PUBLIC)
