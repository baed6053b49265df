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
from sms_port.links.aliyun.codes import (
    days_of,
    is_of_account,
    is_permanent,
    is_unclear,
    parse_reports,
    parse_texts,
    short_code,
)
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
    assert one(link) == Rejected("SignatureDoesNotMatch", False)
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
        ("InvalidAccessKeyId.NotFound", 404, Rejected("InvalidAccessKeyId.NotFound", False)),
        ("isp.RAM_PERMISSION_DENY", 200, Rejected("isp.RAM_PERMISSION_DENY", False)),
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


@pytest.mark.parametrize(
    ("answered", "permanent", "of_account"),
    [
        # L10: the account's, by tsq/ali-sms#2 and the common error codes
        ("InvalidAccessKeyId.Inactive", False, True),
        ("InvalidAccessKeyId.NotFound", False, True),
        ("InvalidTimeStamp.Expired", False, True),
        ("SignatureDoesNotMatch", False, True),
        ("isv.DENY_IP_RANGE", False, True),
        ("InvalidSecurityToken.Expired", False, True),
        ("SignatureNonceUsed", False, True),
        ("Forbidden.RAM", False, True),
        ("isv.ACCOUNT_ABNORMAL", False, True),
        ("isv.ACCOUNT_NOT_EXISTS", False, True),
        ("isv.OUT_OF_SERVICE", False, True),
        ("isv.PRODUCT_UN_SUBSCRIPT", False, True),
        # L11
        ("isp.RAM_PERMISSION_DENY", False, True),
        # L12, easy-sms#83 and the vendor's list
        ("isv.AMOUNT_NOT_ENOUGH", False, True),
        ("isv.BUSINESS_LIMIT_CONTROL", False, False),
        ("isv.DAY_LIMIT_CONTROL", False, False),
        ("isv.MONTH_LIMIT_CONTROL", False, False),
        ("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", True, False),
        ("isv.INTERNATIONAL_NUMBER_NOT_SUPPORTED", True, False),
        ("isv.MOBILE_NUMBER_ILLEGAL", True, False),
        ("isv.SMS_TEMPLATE_ILLEGAL", True, False),
        ("isv.SMS_SIGNATURE_ILLEGAL", True, False),
        ("isv.PARAM_LENGTH_LIMIT", True, False),
        ("isv.BLACK_KEY_CONTROL_LIMIT", True, False),
        ("isv.CUSTOMER_REFUSED", True, False),
        ("isv.SMS_CONTENT_ILLEGAL", True, False),
    ],
)
def test_faults_of_the_account_are_not_the_messages(answered: str, permanent: bool, of_account: bool) -> None:
    assert (is_permanent(answered), is_of_account(answered)) == (permanent, of_account)
    assert not is_unclear(answered)


def test_a_refused_account_is_told_until_it_is_well_again(link: AliyunLink, cloud: Cloud) -> None:
    cloud.code, cloud.status = "SignatureDoesNotMatch", 400
    one(link)
    assert link.status == "account_refused"
    cloud.code, cloud.status = "OK", 200
    one(link)
    assert link.status == "up"


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


OTHERS = [
    pytest.param({"out_id": None}, id="L02 out_id null"),
    pytest.param({"out_id": 7}, id="variant: out_id a number"),
    pytest.param({"out_id": "x" * 300}, id="variant: out_id too long"),
    pytest.param({"success": "maybe"}, id="variant: success unclear"),
    pytest.param({"success": None}, id="variant: success null"),
    pytest.param({"out_id": {"a": 1}}, id="variant: out_id nested"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_an_item_of_another_system_costs_ours_nothing(other: dict[str, object]) -> None:
    reports = parse_reports(json.dumps([REPORT | other, REPORT, None, 7, []]).encode(), "cloud")
    assert reports == [Receipt("cloud", OURS, 1, ReceiptStatus.DELIVERED, "DELIVERED", LAUNCH_DAY)]


@pytest.mark.parametrize("number", [b"9" * 5_000, b"-1e999", b"NaN", b"1." + b"0" * 5_000])
def test_a_number_of_another_system_that_nothing_holds_costs_ours_nothing(number: bytes) -> None:
    """Variant of L02: an integer above 4,300 digits refused the whole callback."""
    body = b'[{"out_id": ' + number + b', "sms_size": ' + number + b"}, " + json.dumps(REPORT).encode() + b"]"
    assert [one.reference for one in parse_reports(body, "cloud")] == [OURS]


@pytest.mark.parametrize(
    ("mine", "code", "done_at"),
    [
        pytest.param({"err_code": None}, "DELIVERED", LAUNCH_DAY, id="L03 err_code null"),
        pytest.param({"report_time": ""}, "DELIVERED", 0, id="L04 report_time empty"),
        pytest.param({"report_time": None}, "DELIVERED", 0, id="variant: report_time null"),
        pytest.param({"report_time": "yesterday"}, "DELIVERED", 0, id="variant: no time"),
        pytest.param({"err_code": "E" * 70}, "E" * 10, LAUNCH_DAY, id="L05 err_code of 70 characters"),
        pytest.param({"success": "true"}, "DELIVERED", LAUNCH_DAY, id="variant: success a text"),
        pytest.param({"success": 1}, "DELIVERED", LAUNCH_DAY, id="variant: success a number"),
        pytest.param({"report_time": "0000-00-00 00:00:00"}, "DELIVERED", 0, id="variant: a time of zeros"),
        pytest.param({"report_time": "2026-11-22T14:05:00Z"}, "DELIVERED", 0, id="variant: another form of time"),
        pytest.param({"report_time": 1795327500000}, "DELIVERED", 0, id="variant: a time in milliseconds"),
        pytest.param({"phone_number": None, "biz_id": []}, "DELIVERED", LAUNCH_DAY, id="variant: other members odd"),
    ],
)
def test_what_an_item_leaves_out_is_empty(mine: dict[str, object], code: str, done_at: int) -> None:
    reports = parse_reports(json.dumps([REPORT | mine]).encode(), "cloud")
    assert reports == [Receipt("cloud", OURS, 1, ReceiptStatus.DELIVERED, code, done_at)]


@pytest.mark.parametrize(
    ("other", "count"),
    [
        pytest.param(TEXT | {"phone_number": "10086"}, 1, id="L21 a service number beside"),
        pytest.param(TEXT | {"phone_number": None}, 1, id="variant: no number"),
        pytest.param(TEXT | {"phone_number": "01065201234"}, 1, id="variant: a landline"),
        pytest.param(TEXT | {"dest_code": None}, 2, id="L22 dest_code null"),
        pytest.param(TEXT | {"sequence_id": 7}, 2, id="L20 sequence_id a number"),
        pytest.param(TEXT | {"content": None}, 2, id="variant: no content"),
        pytest.param(TEXT | {"phone_number": "+8613800138000"}, 2, id="variant: with +86"),
    ],
)
def test_a_strange_text_costs_its_neighbour_nothing(other: dict[str, object], count: int) -> None:
    texts = parse_texts(json.dumps([other, TEXT]).encode(), "cloud")
    assert (len(texts), texts[-1].text) == (count, "TD")


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"null", b"7", b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_list_are_refused(body: bytes) -> None:
    with pytest.raises(DeliveryInvalid):
        parse_reports(body, "cloud")
    with pytest.raises(DeliveryInvalid):
        parse_texts(body, "cloud")
