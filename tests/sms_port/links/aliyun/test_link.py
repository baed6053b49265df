"""The Aliyun link: what the SDK sends, checked by a second reader of ACS3, and what each answer means."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator

import pytest

from config.db.engine import begin
from config.ground import Ground
from sms_port.errors import DeliveryInvalid
from sms_port.ledger.receipts import Receipt
from sms_port.links.aliyun.codes import days_of, is_permanent, parse_reports, parse_texts, short_code
from sms_port.links.aliyun.link import AliyunLink
from sms_port.links.link import Accepted, Dispatch, InDoubt, NotSent, Rejected, Unknown
from sms_port.links.rate_limit import RateLimiter
from sms_port.links.templates import Template
from sms_port.message_reference import build_reference
from sms_port.models import Lane, ReceiptStatus
from sms_port.sending.link_pool import LinkPool
from tests.sms_port.aliyun_peers import OURS, REPORT, TEXT, Cloud, run_cloud, use_aliyun
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import free_port

PHONE = "13800138000"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with run_cloud() as cloud:
        yield cloud


def open_link(ground: Ground, url: str, **limits: float) -> AliyunLink:
    entry = use_aliyun(ground, url, **limits)
    return AliyunLink(ground, entry, RateLimiter(entry.parts_per_second), LinkPool(ground, lambda db, outcomes: None))


@pytest.fixture
def link(ground: Ground, cloud: Cloud) -> Iterator[AliyunLink]:
    link = open_link(ground, cloud.url)
    yield link
    link.close()


def code(number: str = "482913") -> Dispatch:
    template = Template("SMS_100", {"code": number})
    return Dispatch(
        build_reference(secrets.token_bytes(16), 1), "10699000", PHONE, ("…",), LAUNCH_DAY, Lane.CODE, template
    )


def one(link: AliyunLink, dispatch: Dispatch | None = None) -> object:
    (result,) = link.send([dispatch or code()]).values()
    return result


def test_a_code_is_a_signed_call_with_our_reference_and_no_number_in_the_address(
    link: AliyunLink, cloud: Cloud
) -> None:
    dispatch = code()
    assert one(link, dispatch) == Accepted()
    (call,) = cloud.calls
    assert call == {
        "action": "SendSms",
        "PhoneNumbers": PHONE,
        "SignName": "一证通查",
        "TemplateCode": "SMS_100",
        "TemplateParam": '{"code": "482913"}',
        "OutId": dispatch.reference,
    }
    assert cloud.urls == [f"{cloud.url}/"]


def test_the_second_reader_refuses_another_secret(ground: Ground, link: AliyunLink, cloud: Cloud) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "cloud.key", "another secret", ground.clock.now())
    ground.secrets.forget()
    assert one(link) == Rejected("SignatureDoesNotMatch", True)
    assert cloud.calls == []


@pytest.mark.parametrize(
    ("answered", "status", "result"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", 200, Rejected("MOBILE_NUMBER_ILLEGAL", True)),
        ("isv.SMS_TEMPLATE_ILLEGAL", 200, Rejected("SMS_TEMPLATE_ILLEGAL", True)),
        ("isv.TEMPLATE_MISSING_PARAMETERS", 200, Rejected("TEMPLATE_MISSING_PARAMETERS", True)),
        ("isv.BUSINESS_LIMIT_CONTROL", 200, Rejected("BUSINESS_LIMIT_CONTROL", False)),
        ("isv.AMOUNT_NOT_ENOUGH", 200, Rejected("AMOUNT_NOT_ENOUGH", False)),
        ("Throttling.User", 400, Rejected("throttled", False)),
        ("Throttling.Api", 503, Rejected("throttled", False)),
        ("InvalidAccessKeyId.NotFound", 404, Rejected("InvalidAccessKeyId.NotFound", True)),
        ("isp.SYSTEM_ERROR", 200, Unknown("isp.SYSTEM_ERROR")),
        ("ServiceUnavailable", 503, Unknown("http_503")),
        ("", 200, Unknown("http_200")),
    ],
)
def test_each_answer_has_its_ending_and_nothing_is_called_twice(
    link: AliyunLink, cloud: Cloud, answered: str, status: int, result: object
) -> None:
    cloud.code, cloud.status = answered, status
    assert one(link) == result
    assert len(cloud.calls) == 1


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"Code": 7}', b"\xff", b"[" * 100_000])
def test_an_answer_that_says_nothing_is_unknown_whatever_its_status(link: AliyunLink, cloud: Cloud, raw: bytes) -> None:
    cloud.raw = raw
    for calls, status in enumerate((200, 302, 400, 500, 502), 1):
        cloud.status = status
        assert isinstance(one(link), Unknown)
        assert len(cloud.calls) == calls


def test_no_answer_in_time_is_unknown_and_the_sdk_does_not_try_again(ground: Ground, cloud: Cloud) -> None:
    over = threading.Event()
    cloud.wait = lambda: over.wait(60)
    link = open_link(ground, cloud.url, read_s=2, total_s=4)
    assert one(link) == Unknown("timeout")
    over.set()
    link.close()
    assert len(cloud.calls) == 1


def test_what_was_taken_without_an_answer_is_found_by_asking(link: AliyunLink, cloud: Cloud) -> None:
    cloud.sent = [{"PhoneNumbers": PHONE, "OutId": f"other-{number}"} for number in range(70)]
    cloud.raw = b"{"
    dispatch = code()
    assert isinstance(one(link, dispatch), Unknown)
    missing = build_reference(secrets.token_bytes(16), 1)
    doubts = [InDoubt(dispatch.reference, PHONE, LAUNCH_DAY), InDoubt(missing, PHONE, LAUNCH_DAY), InDoubt("a", "", 0)]
    assert link.ask(doubts) == {dispatch.reference: Accepted()}
    assert cloud.named("QuerySendDetails")[0]["SendDate"] == "20261122"


def test_around_midnight_both_days_are_asked_about() -> None:
    midnight = LAUNCH_DAY - (14 * 60 + 5) * 60_000
    assert days_of(LAUNCH_DAY) == ["20261122"]
    assert days_of(midnight + 60_000) == ["20261122", "20261121"]


def test_a_vendor_that_does_not_answer_a_question_tells_nothing(link: AliyunLink, cloud: Cloud) -> None:
    dispatch = code()
    one(link, dispatch)
    cloud.tell = lambda call: ("{", 500)  # type: ignore[assignment, method-assign, return-value]
    assert link.ask([InDoubt(dispatch.reference, PHONE, LAUNCH_DAY)]) == {}


def test_nobody_listening_is_certainly_not_sent(ground: Ground) -> None:
    link = open_link(ground, f"http://127.0.0.1:{free_port()}")
    assert one(link) == NotSent("refused")
    link.close()


def test_without_a_template_or_a_key_nothing_is_sent(ground: Ground, link: AliyunLink, cloud: Cloud) -> None:
    free_text = Dispatch("a", "10699000", PHONE, ("您好",), LAUNCH_DAY)
    assert one(link, free_text) == NotSent("no_template")
    with begin(ground.engine) as db:
        ground.secrets.remove(db, "cloud.key")
    ground.secrets.forget()
    assert one(link) == NotSent("secret_missing")
    assert cloud.calls == []


def test_several_are_called_at_once_and_each_has_its_ending(link: AliyunLink, cloud: Cloud) -> None:
    together = threading.Barrier(4, timeout=60)
    cloud.wait = together.wait
    batch = [code(str(number)) for number in range(4)]
    assert link.room(Lane.CODE) == 4
    assert link.send(batch) == {dispatch.reference: Accepted() for dispatch in batch}


def test_a_throttled_account_is_used_at_half_the_pace(link: AliyunLink, cloud: Cloud) -> None:
    cloud.code = "Throttling.User"
    one(link)
    assert link._limiter.rate(0) <= 250


def test_a_codes_letters_are_kept_and_no_digit() -> None:
    assert short_code("isv.13800138000_X") == "_X"
    assert short_code("13800138000") == "unnamed"
    assert not is_permanent("isv.OUT_OF_SERVICE")


def test_a_report_is_a_receipt_of_our_reference() -> None:
    failed = REPORT | {"success": False, "err_code": "MK:0001"}
    foreign = REPORT | {"out_id": "somebody else's"}
    assert parse_reports(json.dumps([REPORT, failed, foreign]).encode(), "cloud") == [
        Receipt("cloud", OURS, 1, ReceiptStatus.DELIVERED, "DELIVERED", LAUNCH_DAY),
        Receipt("cloud", OURS, 1, ReceiptStatus.FAILED, "MK:0001", LAUNCH_DAY),
    ]


def test_a_citizens_text_is_read() -> None:
    (text,) = parse_texts(json.dumps([TEXT]).encode(), "cloud")
    assert (text.link, text.name, text.phone, text.to, text.text) == ("cloud", "1234", PHONE, "1069900", "TD")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}", b"null", b"[7]", b"\xff", b"[" * 100_000, json.dumps([REPORT | {"success": "maybe"}]).encode()]
    + [json.dumps([REPORT | {"report_time": "yesterday"}]).encode(), json.dumps([REPORT] * 1_001).encode()],
)
def test_bodies_that_are_neither_are_refused(body: bytes) -> None:
    with pytest.raises(DeliveryInvalid) as refusal:
        parse_reports(body, "cloud")
    assert PHONE not in str(refusal.value)
    with pytest.raises(DeliveryInvalid):
        parse_texts(body, "cloud")
