"""The number that a platform tells: verified, of this mini program and this citizen, good once; and still a code."""

from __future__ import annotations

import re

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from query.access.phone_tickets import LONGEST, build_phone_ticket
from tests.conftest import on_sqlite
from tests.miniprogram_api.applets import Client, Platforms, point_at
from tests.miniprogram_api.citizens import ACCOUNTS, PHONE, codes_owed, problem, set_limit
from tests.support.factories import LAUNCH_DAY
from wechat.platform.client import Platform

pytestmark = on_sqlite
APPLETS = ("wechat-applet", "alipay-applet")
MINUTE = 60_000
each_applet = pytest.mark.parametrize("entrance", APPLETS)


@pytest.fixture
def known(applet: Client, platforms: Platforms, request: pytest.FixtureRequest) -> Client:
    """A citizen who has logged in at the test's entrance."""
    entrance = request.node.callspec.params.get("entrance", "wechat-applet")
    assert applet.log_in(entrance, platforms.login_code(entrance)).status_code == 201
    return applet


@each_applet
def test_the_platforms_number_pre_fills_and_the_code_is_still_asked(
    entrance: str, known: Client, platforms: Platforms, ground: Ground
) -> None:
    told = known.call("POST", "/phone-numbers", platforms.credential(entrance))
    assert told.status_code == 200
    assert set(told.get_json()) == {"phone", "ticket"}
    assert told.get_json()["phone"] == "138****8000"
    assert PHONE not in told.text and len(told.get_json()["ticket"]) <= LONGEST
    ticket = told.get_json()["ticket"]
    sent = known.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": ticket})
    assert (sent.status_code, sent.get_json()["phone"]) == (202, "138****8000")
    form = ACCOUNTS | {"phone": ticket}
    problem(known.call("POST", "/inquiries", form | {"code": "000000"}), 422, "code_wrong")
    accepted = known.call("POST", "/inquiries", form | {"code": codes_owed(ground)[-1]})
    assert (accepted.status_code, accepted.get_json()["phone"]) == (202, "138****8000")


@each_applet
def test_a_replayed_credential_is_refused(entrance: str, known: Client, platforms: Platforms, applet: Client) -> None:
    credential = platforms.credential(entrance)
    assert known.call("POST", "/phone-numbers", credential).status_code == 200
    problem(known.call("POST", "/phone-numbers", credential), 422, "phone_credential_used")
    applet.log_in(entrance, platforms.login_code(entrance, "bob"))
    problem(applet.call("POST", "/phone-numbers", credential), 422, "phone_credential_used")


def test_wechats_credential_of_another_citizen_is_refused(known: Client, platforms: Platforms) -> None:
    credential = platforms.credential("wechat-applet", citizen="bob")
    problem(known.call("POST", "/phone-numbers", credential), 422, "phone_credential_invalid")


@pytest.mark.parametrize("code", ["", " ", "unknown", "中文"])
def test_a_made_up_phone_code_is_refused(code: str, known: Client) -> None:
    problem(known.call("POST", "/phone-numbers", {"code": code}), 422, "phone_credential_invalid")


def test_a_number_from_abroad_is_told_to_be_none_of_the_mainland(known: Client, platforms: Platforms) -> None:
    credential = platforms.credential("wechat-applet", "61234567", country="852")
    problem(known.call("POST", "/phone-numbers", credential), 422, "phone_invalid")


@pytest.mark.parametrize("mode", ["1400001", "45009", "48001"])
def test_when_the_quota_is_used_up_the_citizen_types_and_the_operator_is_alarmed(
    mode: str, known: Client, platforms: Platforms, caplog: pytest.LogCaptureFixture
) -> None:
    first = platforms.credential("wechat-applet")
    assert known.call("POST", "/phone-numbers", first).status_code == 200
    platforms.behaviour.set("wechat", mode)
    refused = known.call("POST", "/phone-numbers", platforms.credential("wechat-applet"))
    problem(refused, 422, "phone_number_unavailable")
    typed = known.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": PHONE})
    assert typed.status_code == 202
    assert "platform_alarm" in caplog.text and mode in caplog.text


def test_a_40001_storm_makes_at_most_two_token_calls(known: Client, platforms: Platforms, ground: Ground) -> None:
    assert known.call("POST", "/phone-numbers", platforms.credential("wechat-applet")).status_code == 200
    before = platforms.played.tokens.fetches
    platforms.played.tokens.tokens = {"wx00000000000000b1": ("another", LAUNCH_DAY / 1000 + 7200)}
    assert known.call("POST", "/phone-numbers", platforms.credential("wechat-applet")).status_code == 200
    assert platforms.played.tokens.fetches - before == 1
    before = platforms.played.tokens.fetches
    for number in range(8):
        platforms.played.tokens.tokens = {"wx00000000000000b1": (f"dead-{number}", LAUNCH_DAY / 1000 + 7200)}
        problem(known.call("POST", "/phone-numbers", platforms.credential("wechat-applet")), 503, "unavailable")
    assert platforms.played.tokens.fetches - before <= 1


def test_a_phone_code_survives_a_token_that_could_not_be_fetched(known: Client, platforms: Platforms) -> None:
    credential = platforms.credential("wechat-applet")
    platforms.behaviour.set("wechat", "500")
    problem(known.call("POST", "/phone-numbers", credential), 503, "unavailable")
    platforms.behaviour.set("wechat", "ok")
    assert known.call("POST", "/phone-numbers", credential).status_code == 200


def test_one_app_has_one_token_whoever_calls_for_it(known: Client, platforms: Platforms, ground: Ground) -> None:
    assert known.call("POST", "/phone-numbers", platforms.credential("wechat-applet")).status_code == 200
    applet = ground.catalogues.current().entrance("wechat-applet")
    assert applet is not None
    Platform(ground).token(applet)
    assert len(ground.redis.keys("platform-token:*:value")) == platforms.played.tokens.fetches == 1


def test_a_token_of_the_sandbox_is_none_of_the_real_platforms(
    known: Client, platforms: Platforms, ground: Ground
) -> None:
    for url in (platforms.url, platforms.url.replace("127.0.0.1", "localhost")):
        point_at(ground, url)
        assert known.call("POST", "/phone-numbers", platforms.credential("wechat-applet")).status_code == 200
    assert platforms.played.tokens.fetches == 2


@pytest.mark.parametrize("entrance", ["alipay-applet"])
def test_alipays_credential_must_be_signed_by_alipay(entrance: str, known: Client, platforms: Platforms) -> None:
    good, other = platforms.credential(entrance), platforms.credential(entrance, "13900139000")
    bad = [
        good | {"sign": other["sign"]},
        good | {"response": other["response"]},
        good | {"sign": ""},
        good | {"sign": "!"},
        good | {"response": ""},
        {"response": '{"code":"10000","mobile":"13800138000"}', "sign": good["sign"]},
        {"response": good["response"][:-4] + "AAAA", "sign": good["sign"]},
    ]
    for credential in bad:
        problem(known.call("POST", "/phone-numbers", credential), 422, "phone_credential_invalid")
    assert known.call("POST", "/phone-numbers", good).status_code == 200


@pytest.mark.parametrize("entrance", ["alipay-applet"])
def test_alipays_own_error_lets_the_citizen_type(entrance: str, known: Client, platforms: Platforms) -> None:
    failed = platforms.credential(entrance, error="yes")
    problem(known.call("POST", "/phone-numbers", failed), 422, "phone_number_unavailable")


@pytest.mark.parametrize("entrance", ["alipay-applet"])
def test_alipays_credential_is_taken_within_five_minutes_of_the_login(
    entrance: str, known: Client, platforms: Platforms, clock: FixedClock
) -> None:
    credential = platforms.credential(entrance)
    clock.advance(5 * MINUTE)
    problem(known.call("POST", "/phone-numbers", credential), 422, "login_too_old")
    known.log_in(entrance, platforms.login_code(entrance))
    assert known.call("POST", "/phone-numbers", credential).status_code == 200


def test_a_credential_of_another_entrance_is_refused_and_not_used_up(applet: Client, platforms: Platforms) -> None:
    credentials = {kind: platforms.credential(kind) for kind in APPLETS}
    for entrance, foreign in zip(APPLETS, reversed(APPLETS), strict=True):
        applet.log_in(entrance, platforms.login_code(entrance))
        problem(applet.call("POST", "/phone-numbers", credentials[foreign]), 422, "entrance_mismatch")
    applet.token = applet.call("POST", "/sessions", {"entrance": "web"}).get_json()["token"]
    for credential in credentials.values():
        problem(applet.call("POST", "/phone-numbers", credential), 422, "entrance_mismatch")
    for entrance in APPLETS:
        applet.log_in(entrance, platforms.login_code(entrance))
        assert applet.call("POST", "/phone-numbers", credentials[entrance]).status_code == 200


@each_applet
def test_what_the_platform_charges_for_has_a_budget(
    entrance: str, known: Client, platforms: Platforms, ground: Ground
) -> None:
    set_limit(ground, "phone_numbers_per_session_day", 1)
    assert known.call("POST", "/phone-numbers", platforms.credential(entrance)).status_code == 200
    refused = known.call("POST", "/phone-numbers", platforms.credential(entrance))
    assert problem(refused, 429, "limit_reached")["limit"] == "phone_numbers_per_session_day"


def test_a_phones_ticket_is_for_its_citizen_and_for_half_an_hour(
    known: Client, platforms: Platforms, ground: Ground, clock: FixedClock
) -> None:
    body = {"service": "internet-accounts", "phone": ""}
    ticket = known.call("POST", "/phone-numbers", platforms.credential("wechat-applet")).get_json()["ticket"]
    torn = ticket[:-1] + ("A" if ticket[-1] != "A" else "B")
    for text in (torn, "ticket:", "ticket:x", "ticket:中文", ticket[:-4], "ticket:" + "A" * 500):
        problem(known.call("POST", "/verification-codes", body | {"phone": text}), 422, "phone_ticket_invalid")
    own = known.token
    known.log_in("wechat-applet", platforms.login_code("wechat-applet", "bob"))
    problem(known.call("POST", "/verification-codes", body | {"phone": ticket}), 422, "phone_ticket_invalid")
    known.log_in("alipay-applet", platforms.login_code("alipay-applet"))
    problem(known.call("POST", "/verification-codes", body | {"phone": ticket}), 422, "phone_ticket_invalid")
    known.token = own
    clock.advance(30 * MINUTE - 1)
    assert known.call("POST", "/verification-codes", body | {"phone": ticket}).status_code == 202
    known.log_in("wechat-applet", platforms.login_code("wechat-applet"))
    clock.advance(1)
    problem(known.call("POST", "/verification-codes", body | {"phone": ticket}), 422, "phone_ticket_invalid")


def test_a_ticket_shows_no_digit(ground: Ground) -> None:
    ticket = build_phone_ticket(ground.keys, PHONE, ("wechat-applet", "o1"), LAUNCH_DAY)
    assert re.search(r"[0-9]{6}", ticket) is None or PHONE not in ticket
