"""The JSON door from outside: statuses, problem codes and headers, over the real query verbs."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.ground import Ground
from config.times.clock import FixedClock
from query.access.tickets import Ticket, build_ticket
from tests.miniprogram_api.citizens import ACCOUNTS, CARDS, PHONE, Citizen, codes_owed, messages_owed, problem
from tests.support.factories import LAUNCH_DAY

MINUTE = 60_000
HOUR = 60 * MINUTE


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_citizen_gets_from_a_session_to_the_progress_of_an_inquiry(citizen: Citizen) -> None:
    asked = citizen.ask_for_code()
    assert asked.status_code == 202
    assert asked.json == {"phone": "138****8000", "expires_in": 300, "resend_after": 60}
    submitted = citizen.submit(codes_owed(citizen.ground)[-1])
    assert submitted.status_code == 202
    assert re.fullmatch("[1-9][0-9]{11}", submitted.get_json()["reference"])
    assert submitted.get_json()["phone"] == "138****8000"
    assert submitted.get_json()["port_number"] == "10699000"
    assert submitted.get_json()["reply_by"] == "2026-11-24T06:05:00Z"
    seen = citizen.call("GET", f"/inquiries/{submitted.get_json()['reference']}")
    assert seen.status_code == 200
    assert seen.json == {
        "reference": submitted.get_json()["reference"],
        "service": "internet-accounts",
        "phone": "138****8000",
        "status": "asking",
        "accepted_at": "2026-11-22T06:05:00Z",
        "reply_by": "2026-11-24T06:05:00Z",
    }


def test_phone_cards_ask_for_name_and_id_number(citizen: Citizen) -> None:
    code = citizen.receive_code(service="phone-cards")
    assert citizen.submit(code, CARDS).status_code == 202
    assert problem(citizen.submit(code, CARDS | {"name": "7"}), 422, "name_invalid")["field"] == "name"
    assert (
        problem(citizen.submit(code, CARDS | {"id_number": "1" * 18}), 422, "id_number_invalid")["field"] == "id_number"
    )


@pytest.mark.parametrize(
    "phone", ["138 0013 8000", "+86 138-0013-8000", "１３８００１３８０００", "0086 13800138000"], ids=ascii
)
def test_a_number_in_any_spelling_is_the_same_number_to_codes_limits_and_inquiries(
    citizen: Citizen, phone: str
) -> None:
    answer = citizen.ask_for_code(phone)
    assert (answer.status_code, answer.get_json()["phone"]) == (202, "138****8000")
    assert problem(citizen.ask_for_code(PHONE), 429, "limit_reached")["limit"] == "code_per_phone_gap"
    assert citizen.submit(codes_owed(citizen.ground)[-1]).status_code == 202


@pytest.mark.parametrize(
    "phone", ["01012345678", "1380013800", "138001380000", "١٣٨٠٠١٣٨٠٠٠", "", "12800138000"], ids=ascii
)
def test_what_is_no_mobile_number_is_said_so_and_nothing_is_sent(citizen: Citizen, phone: str) -> None:
    assert problem(citizen.ask_for_code(phone), 422, "phone_invalid")["field"] == "phone"
    assert messages_owed(citizen.ground) == []


@pytest.mark.parametrize(("tail", "good"), [("12345x", True), ("1234567", False), ("abcdef", False), ("12345", False)])
def test_the_last_six_take_an_x_in_either_case_and_nothing_else(citizen: Citizen, tail: str, good: bool) -> None:
    answer = citizen.submit(citizen.receive_code(), ACCOUNTS | {"id_tail": tail})
    if good:
        assert answer.status_code == 202
    else:
        assert problem(answer, 422, "id_tail_invalid")["field"] == "id_tail"


def test_without_consent_nothing_is_accepted_and_the_code_stays_good(citizen: Citizen) -> None:
    code = citizen.receive_code()
    for form in (ACCOUNTS | {"consent": False}, {name: told for name, told in ACCOUNTS.items() if name != "consent"}):
        assert problem(citizen.submit(code, form), 422, "consent_missing")["field"] == "consent"
    assert citizen.submit(code).status_code == 202


def test_a_wrong_code_tells_the_tries_left_and_after_five_the_right_one_is_refused(citizen: Citizen) -> None:
    code = citizen.receive_code()
    left = [problem(citizen.submit(wrong(code)), 422, "code_wrong")["tries_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert problem(citizen.submit(code), 422, "code_expired")["field"] == "code"


def test_a_code_is_good_for_five_minutes(citizen: Citizen, clock: FixedClock) -> None:
    code = citizen.receive_code()
    clock.advance(5 * MINUTE)
    problem(citizen.submit(code), 422, "code_expired")


def test_a_code_serves_only_the_session_that_asked_for_it(ground: Ground, client: FlaskClient) -> None:
    first, second = Citizen(ground, client), Citizen(ground, client)
    code = first.receive_code()
    problem(second.submit(code), 422, "code_expired")
    assert first.submit(code).status_code == 202


def test_the_same_submission_twice_is_one_inquiry(citizen: Citizen) -> None:
    code = citizen.receive_code()
    answers = [citizen.submit(code), citizen.submit(code)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].data == answers[1].data


def test_a_retry_with_its_key_gets_the_same_answer_and_another_submission_with_it_a_conflict(citizen: Citizen) -> None:
    code = citizen.receive_code()
    first = citizen.submit(code, Idempotency_Key="k-1")
    assert citizen.submit(code, Idempotency_Key="k-1").data == first.data
    problem(citizen.submit(code, ACCOUNTS | {"id_tail": "999999"}, Idempotency_Key="k-1"), 409, "idempotency_conflict")
    problem(citizen.submit(code, Idempotency_Key="k 2"), 400, "body_invalid")


def test_a_retry_is_answered_even_when_the_sessions_budget_is_used_up(citizen: Citizen) -> None:
    code = citizen.receive_code()
    first = citizen.submit(code)
    allowed = citizen.ground.catalogues.current().limits.submissions_per_session_hour
    for number in range(allowed - 1):
        citizen.submit(f"{number:06d}")
    refused = problem(citizen.submit("999999"), 429, "limit_reached")
    assert refused["limit"] == "submissions_per_session_hour"
    assert citizen.submit(code).data == first.data


def test_a_second_inquiry_within_a_day_is_refused_only_after_a_right_code(
    ground: Ground, client: FlaskClient, clock: FixedClock
) -> None:
    first, second = Citizen(ground, client), Citizen(ground, client)
    assert first.submit(first.receive_code()).status_code == 202
    clock.advance(HOUR)
    second = Citizen(ground, client)
    code = second.receive_code()
    problem(second.submit(wrong(code)), 422, "code_wrong")
    too_soon = problem(second.submit(code), 429, "too_soon")
    assert too_soon["retry_after"] == 23 * 3600


def test_before_a_right_code_nothing_tells_whether_an_inquiry_exists(
    ground: Ground, client: FlaskClient, clock: FixedClock
) -> None:
    asked = Citizen(ground, client)
    assert asked.submit(asked.receive_code()).status_code == 202
    clock.advance(MINUTE)
    stranger = Citizen(ground, client)
    seen = []
    for phone in (PHONE, "13900139000"):
        code_answer = stranger.ask_for_code(phone)
        wrong_answer = stranger.submit(wrong(codes_owed(ground, phone)[-1]), ACCOUNTS | {"phone": phone})
        seen.append(
            (code_answer.status_code, code_answer.get_json()["expires_in"], wrong_answer.status_code, wrong_answer.data)
        )
    assert seen[0] == seen[1]


def test_progress_is_open_to_its_owner_for_two_days_and_to_nobody_else(
    ground: Ground, client: FlaskClient, clock: FixedClock
) -> None:
    owner = Citizen(ground, client)
    reference = owner.submit(owner.receive_code()).get_json()["reference"]
    problem(Citizen(ground, client).call("GET", f"/inquiries/{reference}"), 404, "not_found")
    problem(owner.call("GET", "/inquiries/100000000000"), 404, "not_found")
    problem(owner.call("GET", "/inquiries/x"), 404, "not_found")
    problem(owner.call("GET", f"/inquiries/{reference}", token=""), 401, "session_invalid")
    clock.advance(48 * HOUR - 1)
    assert owner.call("GET", f"/inquiries/{reference}").status_code == 200
    problem(owner.ask_for_code("13900139000"), 401, "session_invalid")
    clock.advance(1)
    problem(owner.call("GET", f"/inquiries/{reference}"), 404, "not_found")


def test_a_session_in_use_is_handed_a_fresh_token(citizen: Citizen, clock: FixedClock) -> None:
    assert "Session-Token" not in citizen.ask_for_code().headers
    clock.advance(MINUTE)
    fresh = citizen.ask_for_code().headers["Session-Token"]
    clock.advance(29 * MINUTE + 1)
    assert citizen.call("POST", "/verification-codes", {}, token=fresh).status_code == 400
    problem(citizen.call("POST", "/verification-codes", {}), 401, "session_invalid")


def test_an_official_account_opens_with_its_ticket(ground: Ground, citizen: Citizen) -> None:
    ticket = build_ticket(ground.keys, Ticket("gxwbwx", "oCanary", LAUNCH_DAY))
    opened = citizen.call("POST", "/sessions", {"entrance": "gxwbwx", "ticket": ticket}, token="")
    assert (opened.status_code, opened.get_json()["expires_in"]) == (201, 1800)
    problem(
        citizen.call("POST", "/sessions", {"entrance": "caict", "ticket": ticket}, token=""), 401, "session_invalid"
    )
    problem(citizen.call("POST", "/sessions", {"entrance": "gxwbwx", "ticket": "x"}, token=""), 401, "session_invalid")


def test_an_entrance_that_is_not_there_is_told(citizen: Citizen) -> None:
    problem(citizen.call("POST", "/sessions", {"entrance": "nowhere"}, token=""), 422, "entrance_unknown")


def test_logging_out_ends_the_session_and_not_its_inquiry(citizen: Citizen) -> None:
    reference = citizen.submit(citizen.receive_code()).get_json()["reference"]
    ended = citizen.call("DELETE", "/sessions")
    assert (ended.status_code, ended.data) == (204, b"")
    problem(citizen.call("GET", f"/inquiries/{reference}"), 401, "session_invalid")
    problem(citizen.call("DELETE", "/sessions"), 401, "session_invalid")
    problem(citizen.call("DELETE", "/sessions", token=""), 401, "session_invalid")


def test_services_tell_their_fields(citizen: Citizen) -> None:
    services = {
        service["code"]: service for service in citizen.call("GET", "/services", token="").get_json()["services"]
    }
    assert services["internet-accounts"]["fields"] == ["phone", "id_tail", "code", "consent"]
    assert set(services["phone-cards"]["fields"]) == {"phone", "name", "id_number", "code", "consent"}
    assert services["internet-accounts"]["name"] == {"zh": "互联网账号", "en": "Internet accounts"}


def test_partners_tell_applications_and_only_verified_hotlines(citizen: Citizen) -> None:
    partners = {
        partner["code"]: partner for partner in citizen.call("GET", "/partners", token="").get_json()["partners"]
    }
    assert [application["code"] for application in partners["tencent"]["applications"]] == ["weixin", "qq"]
    assert partners["tencent"]["page"].endswith("/guides/tencent")
    assert {code for code, partner in partners.items() if partner["kind"] == "carrier"} == {
        "china-mobile",
        "china-unicom",
        "china-telecom",
        "china-broadnet",
    }
    for partner in citizen.ground.catalogues.current().partners:
        verified = partner.hotline is not None and partner.hotline.verified_on is not None
        assert ("hotline" in partners[partner.code]) == verified


def test_a_session_gets_one_code_a_minute_and_three_a_day_for_a_number(citizen: Citizen, clock: FixedClock) -> None:
    for sent in range(3):
        assert citizen.ask_for_code().status_code == 202
        refused = problem(citizen.ask_for_code(), 429, "limit_reached")
        assert (refused["limit"], refused["retry_after"]) in (
            ("code_per_phone_gap", 60),
            ("codes_per_phone_day", 24 * 3600 - 2 * 60),
        )
        clock.advance(MINUTE)
        assert len(codes_owed(citizen.ground)) == sent + 1
    refused = problem(citizen.ask_for_code(), 429, "limit_reached")
    assert (refused["limit"], refused["retry_after"]) == ("codes_per_phone_day", 24 * 3600 - 3 * 60)


def test_a_number_gets_three_codes_a_day_from_strangers_and_nobody_is_told(
    ground: Ground, client: FlaskClient, clock: FixedClock
) -> None:
    for _ in range(6):
        assert Citizen(ground, client).ask_for_code().status_code == 202
        assert Citizen(ground, client).ask_for_code().json == {
            "phone": "138****8000",
            "expires_in": 300,
            "resend_after": 60,
        }
        clock.advance(MINUTE)
    assert len(codes_owed(ground)) == 3


def test_an_openid_has_one_budget_however_many_sessions_it_opens(ground: Ground, citizen: Citizen) -> None:
    ticket = build_ticket(ground.keys, Ticket("gxwbwx", "oCanary", LAUNCH_DAY))
    allowed = ground.catalogues.current().limits.codes_per_session_day
    answers = []
    for number in range(allowed + 1):
        citizen.token = citizen.call(
            "POST", "/sessions", {"entrance": "gxwbwx", "ticket": ticket}, token=""
        ).get_json()["token"]
        answers.append(citizen.ask_for_code(f"139{number:08d}"))
    assert [answer.status_code for answer in answers] == [202] * allowed + [429]
    assert problem(answers[-1], 429, "limit_reached")["limit"] == "codes_per_session_day"


def test_a_hundred_parallel_requests_for_one_number_send_one_code(ground: Ground, app: Flask) -> None:
    citizens = [Citizen(ground, app.test_client()) for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(
            answer.status_code for answer in pool.map(lambda citizen: citizen.ask_for_code(), citizens * 5)
        )
    assert statuses == [202] * 20 + [429] * 80
    assert len(codes_owed(ground)) == 1


def test_nothing_in_redis_names_a_number_or_an_address(citizen: Citizen) -> None:
    citizen.submit(citizen.receive_code())
    for key in citizen.ground.redis.keys("*"):
        kept = cast("bytes", key) + (citizen.ground.redis.dump(key) or b"")
        assert not any(secret in kept for secret in (PHONE.encode(), b"198.51.100.7", b"12345X"))
