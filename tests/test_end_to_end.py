"""From outside: a running instance, HTTP, and the sandbox's phone."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.instances import Citizen, Instance, private_instance
from tests.support.servers import wait_until
from tests.support.stopwatch import stopwatch

numbers = itertools.count(13_700_000_000)


@pytest.fixture
def citizen(instance: Instance) -> Citizen:
    return Citizen(instance, str(next(numbers)))


def code_of(answer: object) -> str:
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text  # type: ignore[attr-defined]
    return str(answer.json()["code"])  # type: ignore[attr-defined]


def test_an_inquiry_ends_in_one_sms_with_counts(instance: Instance, citizen: Citizen) -> None:
    accepted = citizen.submit(citizen.receive_code()).json()
    assert re.fullmatch(r"\d{12}", accepted["reference"])
    assert accepted["port_number"] == "10699000"
    reply = instance.wait_for_messages(citizen.phone, 2)[-1]
    masked = f"{citizen.phone[:3]}****{citizen.phone[7:]}"
    assert reply["text"].startswith("【一证通查】您")
    assert f"查询的手机号{masked}共关联" in reply["text"]
    assert citizen.phone not in reply["text"]
    wait_until(lambda: citizen.call("GET", f"/inquiries/{accepted['reference']}").json()["status"] == "closed")
    time.sleep(1)
    assert len(instance.messages(citizen.phone)) == 2


def test_a_number_in_any_dress_is_the_same_number(instance: Instance, citizen: Citizen) -> None:
    plain = citizen.phone
    code = citizen.receive_code()
    wide = plain[7:].translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    citizen.phone = f"+86 {plain[:3]}-{plain[3:7]} {wide}"
    assert citizen.submit(code).status_code == 202
    assert len(instance.wait_for_messages(plain, 2)) == 2


@pytest.mark.parametrize("phone", ["01088886666", "1380013800", "138001380001", "١٣٨٠٠١٣٨٠٠٠", "", "abc"])
def test_what_is_no_mobile_number_is_refused(citizen: Citizen, phone: str) -> None:
    answer = citizen.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": phone})
    assert (answer.status_code, code_of(answer)) == (422, "phone_invalid")


def test_a_small_x_ends_an_id_as_well_as_a_large_one(citizen: Citizen) -> None:
    assert citizen.submit(citizen.receive_code(), id_tail="12345x").status_code == 202


@pytest.mark.parametrize("tail", ["1234567", "abcdef", "12345", "1234X5"])
def test_what_are_no_last_six_is_refused_and_burns_no_code(citizen: Citizen, tail: str) -> None:
    code = citizen.receive_code()
    assert code_of(citizen.submit(code, id_tail=tail)) == "id_tail_invalid"
    assert citizen.submit(code).status_code == 202


def test_after_five_wrong_codes_the_right_one_is_refused(citizen: Citizen) -> None:
    code = citizen.receive_code()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert [citizen.submit(wrong).json()["tries_left"] for _ in range(5)] == [4, 3, 2, 1, 0]
    assert citizen.submit(code).status_code == 422


def test_the_second_inquiry_within_a_day_is_told_when_but_only_after_a_right_code(
    instance: Instance, citizen: Citizen
) -> None:
    assert citizen.submit(citizen.receive_code()).status_code == 202
    instance.wait_for_messages(citizen.phone, 2)
    second = Citizen(instance, citizen.phone)
    assert code_of(second.submit("000000")) == "code_expired"
    wanted = {"service": "internet-accounts", "phone": citizen.phone}
    early = citizen.call("POST", "/verification-codes", wanted)
    assert (early.status_code, code_of(early)) == (429, "limit_reached")
    assert 0 < early.json()["retry_after"] <= 60
    assert second.call("POST", "/verification-codes", wanted).status_code == 202, "nobody is told what others did"
    time.sleep(0.5)
    assert len(instance.messages(citizen.phone)) == 2


def test_the_same_submission_twice_is_one_inquiry(instance: Instance, citizen: Citizen) -> None:
    code = citizen.receive_code()
    first, second = (citizen.submit(code, **{"Idempotency-Key": "one-filled-form"}) for _ in range(2))
    assert first.json()["reference"] == second.json()["reference"]
    other = citizen.submit(code, id_tail="654321", **{"Idempotency-Key": "one-filled-form"})
    assert (other.status_code, code_of(other)) == (409, "idempotency_conflict")
    instance.wait_for_messages(citizen.phone, 2)
    time.sleep(0.5)
    assert len(instance.messages(citizen.phone)) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "body_invalid"),
        (b'{"service":"internet-accounts","phone":"13800138000","more":1}', 400, "body_invalid"),
        (b'{"phone":"' + b"1" * 9216 + b'"}', 413, "body_too_large"),
    ],
)
def test_a_body_that_is_not_as_documented_is_refused(citizen: Citizen, body: bytes, status: int, code: str) -> None:
    url = f"{citizen.instance.url}/api/v1/verification-codes"
    answer = citizen.http.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=60)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_anothers_inquiry_looks_like_none(instance: Instance, citizen: Citizen) -> None:
    reference = citizen.submit(citizen.receive_code()).json()["reference"]
    stranger = Citizen(instance, citizen.phone)
    theirs, none = (stranger.call("GET", f"/inquiries/{number}") for number in (reference, "100000000000"))
    assert theirs.status_code == none.status_code == 404
    assert theirs.json() == none.json()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance that waits 15 s for a silent company, not two hours."""
    directory = tmp_path_factory.mktemp("impatient")
    with private_instance(directory) as instance:
        path = directory / "impatient.toml"
        path.write_text(re.sub(r"(?m)^patience_s = \d+", "patience_s = 15", instance.onecert("config", "show")))
        instance.onecert("config", "apply", str(path), "--yes")
    with private_instance(directory) as instance:  # all of its processes know of it from the beginning
        yield instance


SPOILT = {"500": "douyin", "garbage": "kuaishou", "silent": "baidu", "retry": "jd", "429": "meituan"}


def test_companies_that_do_not_answer_are_named_and_not_counted(impatient: Instance) -> None:
    for mode, company in SPOILT.items():
        impatient.behave(company, mode)
    citizen = Citizen(impatient, str(next(numbers)))
    assert citizen.submit(citizen.receive_code()).status_code == 202
    text = impatient.wait_for_messages(citizen.phone, 2)[-1]["text"]
    for company in SPOILT.values():
        impatient.behave(company, "ok")
    assert "抖音、快手、百度、京东、美团暂未反馈，不代表没有账号" in text
    assert not re.search(r"(抖音|快手|百度|京东|美团)\d+个", text)
    assert "微信" in text.split("。")[0]


def test_a_mismatch_an_inactive_number_and_nothing_else_read_the_same(impatient: Instance) -> None:
    texts = []
    for phone, tail in ((str(next(numbers)), "000000"), ("13800000009", "123456")):
        citizen = Citizen(impatient, phone)
        citizen.submit(citizen.receive_code(), id_tail=tail)
        text = impatient.wait_for_messages(phone, 2)[-1]["text"]
        texts.append(re.sub(r"1\d\d\*{4}\d{4}", "", text))
    assert "未完成" in texts[0]
    assert texts[0] == texts[1]


def test_killed_processes_come_back_and_no_inquiry_is_lost(impatient: Instance) -> None:
    citizens = [Citizen(impatient, str(next(numbers))) for _ in range(5)]
    for citizen in citizens:
        assert citizen.submit(citizen.receive_code()).status_code == 202
        for child in psutil.Process(impatient.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # the last kill may have taken it along
                if {"worker", "gateway", "clock"} & set(child.cmdline()):
                    child.kill()
    for citizen in citizens:
        assert len(impatient.wait_for_messages(citizen.phone, 2)) == 2


def test_sigterm_leaves_no_process_behind(tmp_path: Path) -> None:
    with private_instance(tmp_path) as instance:
        supervisor = psutil.Process(instance.pid)
        family = supervisor.children(recursive=True)
        assert len(family) >= 7
        with stopwatch() as seconds:
            supervisor.terminate()
            supervisor.wait(60)
            assert seconds() < 5
        gone, alive = psutil.wait_procs(family, timeout=60)
        assert not alive
