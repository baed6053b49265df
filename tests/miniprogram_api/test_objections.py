"""Objections and watches over the JSON door: the contract of INTERFACES section 7, and answers that tell nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import State
from query.models import inquiry
from query.objections.models import objection
from query.watches.models import watch
from tests.miniprogram_api.citizens import PHONE, Citizen, messages_owed, problem

FORM = {"wish": "dispute", "applications": ["weixin", "jd"], "phone": PHONE, "id_tail": "12345X", "consent": True}


def apply(citizen: Citizen, code: str = "", **change: Any) -> TestResponse:
    code = code or citizen.receive_code(service="objection")
    return citizen.call("POST", "/objections", {**FORM, "code": code, **change})


def test_from_a_code_to_the_progress_of_an_objection(citizen: Citizen) -> None:
    answer = apply(citizen)
    assert answer.status_code == 202, answer.text
    assert answer.json == {
        "reference": answer.get_json()["reference"],
        "phone": "138****8000",
        "wish": "dispute",
        "due": "2026-12-04",
    }
    seen = citizen.call("GET", f"/objections/{answer.get_json()['reference']}")
    assert seen.json == {
        **answer.json,
        "applications": ["weixin", "jd"],
        "status": "working",
        "accepted_at": "2026-11-22T06:05:00Z",
    }
    other = Citizen(citizen.ground, citizen.client)
    problem(other.call("GET", f"/objections/{answer.get_json()['reference']}"), 404, "not_found")
    problem(citizen.call("GET", "/objections/1"), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"applications": []}, 422, "applications_missing"),
        ({"applications": ["myspace"]}, 400, "application_unknown"),
        ({"applications": "weixin"}, 400, "body_invalid"),
        ({"applications": ["weixin"] * 101}, 400, "body_invalid"),
        ({"wish": "delete"}, 400, "body_invalid"),
        ({"consent": False}, 422, "consent_missing"),
        ({"id_tail": "1"}, 422, "id_tail_invalid"),
        ({"phone": "1"}, 422, "phone_invalid"),
        ({"finding": "done"}, 400, "body_invalid"),
    ],
)
def test_bad_bodies_cost_no_code(citizen: Citizen, change: dict[str, Any], status: int, code: str) -> None:
    sent = citizen.receive_code(service="objection")
    problem(apply(citizen, sent, **change), status, code)
    assert apply(citizen, sent).status_code == 202


def test_a_second_one_is_told_only_after_a_right_code(citizen: Citizen, clock: FixedClock) -> None:
    apply(citizen)
    clock.advance(61_000)
    code = citizen.receive_code(service="objection")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    problem(apply(citizen, wrong), 422, "code_wrong")
    problem(apply(citizen, code), 409, "objection_open")


def test_a_company_that_takes_none_is_reached_by_its_guide(citizen: Citizen, ground: Ground) -> None:
    document = ground.catalogues.document().replace('requests = ["unbind", "dispute", "watch"]', "requests = []", 1)
    document = document.replace("requests = []\nevents = true", "requests = []", 1)
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "no requests", "test", ground.clock.now())
    told = problem(apply(citizen), 422, "application_not_taken")
    assert (told["application"], told["partner"]) == ("weixin", "tencent")
    listed = citizen.call("GET", "/partners").get_json()["partners"]
    assert [one["requests"] for one in listed[:2]] == [[], ["unbind", "dispute", "watch"]]


def test_the_same_submission_twice_is_one_objection(citizen: Citizen, ground: Ground) -> None:
    code = citizen.receive_code(service="objection")
    first, second = apply(citizen, code), apply(citizen, code)
    assert first.json == second.json
    with reading(ground.engine) as db:
        assert len(db.execute(select(objection)).all()) == 1
    assert [text for _, text in messages_owed(ground) if "已受理" in text].__len__() == 1


def close(ground: Ground, reference: str) -> None:
    with begin(ground.engine) as db:
        mine = inquiry.c.reference == int(reference)
        closed = {"state": State.CLOSED, "closed_at": ground.clock.now(), "phone": None}
        db.execute(update(inquiry).where(mine).values(**closed))


def test_a_watch_is_turned_on_from_ones_own_closed_inquiry_and_off_by_its_session(
    citizen: Citizen, ground: Ground
) -> None:
    reference = citizen.submit(citizen.receive_code()).get_json()["reference"]
    answers = [citizen.call("POST", "/watches", {"reference": reference})]  # not closed yet: nothing happens
    close(ground, reference)
    answers.append(Citizen(ground, citizen.client).call("POST", "/watches", {"reference": reference}))
    answers.append(citizen.call("POST", "/watches", {"reference": "no-such"}))
    with reading(ground.engine) as db:
        assert db.execute(select(watch)).all() == []
    answers.append(citizen.call("POST", "/watches", {"reference": reference}))
    assert {(one.status_code, one.data, one.headers["Content-Type"]) for one in answers} == {
        (202, b"", answers[0].headers["Content-Type"])
    }
    assert "已开启新账号提醒，至2027年11月22日" in messages_owed(ground)[-1][1]
    off = [citizen.call("DELETE", "/watches"), citizen.call("DELETE", "/watches")]
    assert [(one.status_code, one.data) for one in off] == [(202, b"")] * 2
    assert [text for _, text in messages_owed(ground) if "已停止新账号提醒" in text].__len__() == 1


def test_alerts_are_turned_on_and_off_as_long_as_the_progress_can_be_seen(
    citizen: Citizen, ground: Ground, clock: FixedClock
) -> None:
    """An inquiry may take 48 hours, a session is over after 30 idle minutes."""
    reference = citizen.submit(citizen.receive_code()).get_json()["reference"]
    close(ground, reference)
    clock.advance(40 * 60_000)
    problem(
        citizen.call("POST", "/verification-codes", {"service": "objection", "phone": PHONE}), 401, "session_invalid"
    )
    assert citizen.call("POST", "/watches", {"reference": reference}).status_code == 202
    with reading(ground.engine) as db:
        assert len(db.execute(select(watch)).all()) == 1
    assert citizen.call("DELETE", "/watches").status_code == 202
    assert any("已停止新账号提醒" in text for _, text in messages_owed(ground))


@pytest.mark.parametrize("ended", ["logged out", "too old"])
def test_a_session_that_shows_no_progress_any_more_turns_on_nothing(
    citizen: Citizen, ground: Ground, clock: FixedClock, ended: str
) -> None:
    reference = citizen.submit(citizen.receive_code()).get_json()["reference"]
    close(ground, reference)
    if ended == "logged out":
        assert citizen.call("DELETE", "/sessions").status_code == 204
    else:
        clock.advance(49 * 3_600_000)
    problem(citizen.call("POST", "/watches", {"reference": reference}), 401, "session_invalid")
    with reading(ground.engine) as db:
        assert db.execute(select(watch)).all() == []


def test_the_working_days_are_the_catalogues(citizen: Citizen, ground: Ground) -> None:
    assert citizen.call("GET", "/partners").get_json()["objections"] == {"unbind_days": 5, "dispute_days": 10}
    document = ground.catalogues.document()
    for version, expected in (
        (document.replace("unbind_days = 5", "unbind_days = 7"), {"unbind_days": 7, "dispute_days": 10}),
        (document.replace("[objections]\n", "[objections]\nenabled = false\n"), None),
    ):
        with begin(ground.engine) as db:
            ground.catalogues.apply(db, version, "days", "test", ground.clock.now())
        assert citizen.call("GET", "/partners").get_json().get("objections") == expected


def test_the_number_of_a_closed_inquiry_opens_with_its_sessions_token_only(citizen: Citizen, ground: Ground) -> None:
    """The row holds the number under a key that is made of the session's secret; our own keys do not open it."""
    reference = citizen.submit(citizen.receive_code()).get_json()["reference"]
    close(ground, reference)
    with reading(ground.engine) as db:
        row = db.execute(select(inquiry).where(inquiry.c.reference == int(reference))).one()
    assert (row.phone, len(row.contact)) == (None, 11 + 16)
    assert PHONE.encode() not in b"".join(value for value in row if isinstance(value, bytes))
