"""One call to a partner: the real client against real HTTP servers that behave as badly as they can."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Response

from config.catalogue.schema import Partner
from config.db.engine import begin
from config.ground import Ground
from config.telemetry.metrics import numbers
from config.times.clock import FixedClock
from enterprises.client import ask
from enterprises.errors import EnterpriseError
from enterprises.protocol import Counts, Item, Pending, Refused
from tests.enterprises.server import ANSWER_BY, ITEMS, PHONE, Server, as_json, failure_of, hurried, no_items, put
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import free_port
from tests.support.stopwatch import stopwatch


def at(partner: Partner, url: str) -> Partner:
    return partner.model_copy(update={"base_url": url})


def test_a_partner_is_asked_at_its_address_in_one_signed_call(ground: Ground, tencent: Partner, server: Server) -> None:
    put(ground, at(tencent, f"{server.url}/deep/base/"))
    (call,) = server.requests
    assert (call.method, call.path) == ("POST", "/deep/base/v1/lookups")
    assert call.content_type == "application/json"
    assert 'tag="onecert"' in call.headers["Signature-Input"]
    assert f"created={LAUNCH_DAY // 1000}" in call.headers["Signature-Input"]
    assert call.get_json()["answer_by"] == "2026-11-22T08:05:00Z"
    assert PHONE not in str(call.headers) + call.url


def test_a_call_is_signed_for_the_moment_at_which_its_caller_made_sure(
    ground: Ground, tencent: Partner, server: Server, clock: FixedClock
) -> None:
    made_sure = clock.now()
    clock.advance(3_600_000)  # frozen in between: the partner refuses what was signed an hour ago
    ask(ground, tencent, "count", "internet-accounts", ITEMS, ANSWER_BY, made_sure)
    assert f"created={made_sure // 1000};" in server.requests[0].headers["Signature-Input"]


def test_every_asked_item_has_an_answer(ground: Ground, tencent: Partner, server: Server) -> None:
    server.reply = lambda q: as_json(200, {"batch": q["batch"], "items": [{"id": "b", "error": "refused"}]})
    assert put(ground, tencent).by_id == {"a": Pending("missing"), "b": Refused()}


def test_a_202_leaves_every_item_for_later_and_names_its_batch(
    ground: Ground, tencent: Partner, server: Server
) -> None:
    server.reply = lambda q: as_json(202, {"batch": q["batch"]})
    answers = put(ground, tencent)
    assert answers.batch == server.requests[0].get_json()["batch"]
    assert answers.by_id == {"a": Pending("later"), "b": Pending("later")}
    assert all(isinstance(answer, Pending) and answer.later for answer in answers.by_id.values())


def test_a_202_for_another_batch_is_no_promise(ground: Ground, tencent: Partner, server: Server) -> None:
    server.reply = lambda q: as_json(202, {"batch": "other"})
    assert failure_of(ground, tencent).code == "wrong_batch"


def test_applications_of_another_partner_are_not_counted(ground: Ground, tencent: Partner, server: Server) -> None:
    counts = {"weixin": 1, "taobao": 3, "china-mobile": 2}
    server.reply = lambda q: as_json(200, {"batch": q["batch"], "items": [{"id": "a", "counts": counts}]})
    assert put(ground, tencent).by_id["a"] == Counts({"weixin": 1})


# --- calls that fail as a whole --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((status, "question_refused") for status in (400, 413, 422)),
        *((status, "bad_status") for status in (401, 404, 500, 502)),
    ],
)
def test_a_status_that_is_no_answer_fails_the_call(
    ground: Ground, tencent: Partner, server: Server, status: int, code: str
) -> None:
    server.reply = lambda q: as_json(status, {"batch": q["batch"], "items": []})
    failure = failure_of(ground, tencent)
    assert (failure.code, failure.retry_after_s) == (code, None)
    assert str(status) in failure.detail


@pytest.mark.parametrize(("status", "code"), [(429, "slow_down"), (503, "bad_status")])
def test_a_partner_that_asks_for_a_delay_gets_it(
    ground: Ground, tencent: Partner, server: Server, status: int, code: str
) -> None:
    server.reply = lambda q: as_json(status, {}, **{"Retry-After": "90"})
    failure = failure_of(ground, tencent)
    assert (failure.code, failure.retry_after_s) == (code, 90)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(ground: Ground, tencent: Partner, server: Server, status: int) -> None:
    server.reply = lambda q: as_json(status, {}, Location=f"{server.url}/elsewhere")
    assert failure_of(ground, tencent).code == "bad_status"
    assert [request.path for request in server.requests] == ["/v1/lookups"]


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "application/jose", "application/json; charset=gbk", "application/json;charset=utf-16", ""],
)
def test_another_content_type_or_charset_is_refused(
    ground: Ground, tencent: Partner, server: Server, content_type: str
) -> None:
    server.reply = lambda q: Response(no_items(q).data, headers={"Content-Type": content_type})
    assert failure_of(ground, tencent).code == "answer_invalid"


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", "application/json ;v=1"]
)
def test_the_ways_to_say_json_are_understood(
    ground: Ground, tencent: Partner, server: Server, content_type: str
) -> None:
    server.reply = lambda q: Response(no_items(q).data, headers={"Content-Type": content_type})
    assert put(ground, tencent).by_id["a"] == Pending("missing")


def test_an_honest_answer_of_the_largest_wave_fits(ground: Ground, tencent: Partner, server: Server) -> None:
    items = [Item(f"{n:032x}", phone=PHONE) for n in range(500)]

    def reply(question: dict[str, Any]) -> Response:
        counts = {"weixin": 999, "qq": 999}
        sent_items = [{"id": item["id"], "counts": counts, "note": "x" * 1500} for item in question["items"]]
        return as_json(200, {"batch": question["batch"], "items": sent_items})

    server.reply = reply
    answers = ask(ground, tencent, "count", "internet-accounts", items, ANSWER_BY)
    assert set(map(type, answers.by_id.values())) == {Counts}


def test_a_silent_partner_costs_its_time_and_no_more(ground: Ground, tencent: Partner, server: Server) -> None:
    over = threading.Event()

    def reply(question: dict[str, Any]) -> Response:
        over.wait(60)
        return no_items(question)

    server.reply = reply
    with stopwatch() as seconds:
        failure = failure_of(ground, hurried(tencent))
        assert seconds() < 0.9
    over.set()
    assert (failure.code, failure.detail) == ("no_answer", "no answer: timeout")


def test_a_slow_drip_ends_at_the_total_time(ground: Ground, tencent: Partner, server: Server) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(300):
            time.sleep(0.1)
            yield b" "

    server.reply = lambda q: Response(drip(), content_type="application/json")
    with stopwatch() as seconds:
        assert failure_of(ground, hurried(tencent)).detail == "no answer: timeout"
        assert seconds() < 2


def test_an_unreachable_partner_differs_from_one_without_an_answer(ground: Ground, tencent: Partner) -> None:
    failure = failure_of(ground, at(tencent, f"http://127.0.0.1:{free_port()}"))
    assert failure.code == "unreachable"


def test_a_connection_cut_off_in_the_middle_is_no_answer(ground: Ground, tencent: Partner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def cut_off() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")

        thread = threading.Thread(target=cut_off)
        thread.start()
        failure = failure_of(ground, at(tencent, f"http://127.0.0.1:{listening.getsockname()[1]}"))
        thread.join()
    assert failure.code == "no_answer"


def test_a_missing_key_hurts_only_its_partner(ground: Ground, tencent: Partner, server: Server) -> None:
    with begin(ground.engine) as db:
        ground.secrets.remove(db, "tencent.key")
    assert failure_of(ground, tencent).code == "key_missing"
    alibaba = ground.catalogues.current().partner("alibaba")
    assert alibaba
    assert put(ground, at(alibaba, server.url)).by_id["a"] == Pending("missing")


def test_a_question_that_cannot_be_built_is_never_sent(ground: Ground, tencent: Partner, server: Server) -> None:
    with pytest.raises(EnterpriseError) as failure:
        ask(ground, tencent, "identity", "internet-accounts", ITEMS, ANSWER_BY)
    assert failure.value.code == "question_invalid"
    assert server.requests == []


# --- what the log tells ----------------------------------------------------------------------------------------------


def test_the_log_names_the_partner_and_the_reason_and_no_number(
    ground: Ground, tencent: Partner, server: Server, logged: list[dict[str, Any]]
) -> None:
    server.reply = lambda q: Response(json.dumps(q)[:-1], content_type="application/json")
    failure_of(ground, tencent)
    (line,) = [line for line in logged if line["event"] == "partner_failed"]
    assert line["log_level"] == "warning"
    assert (line["partner"], line["code"], line["items"]) == ("tencent", "answer_invalid", 2)
    assert line["reason"] == "the answer is refused: it is not JSON"
    assert PHONE not in str(logged)


def test_faults_are_logged_by_place_and_never_quoted(
    ground: Ground, tencent: Partner, server: Server, logged: list[dict[str, Any]]
) -> None:
    items = [{"id": PHONE}, {"id": "a", "counts": {"weixin": PHONE}}, {"id": "b", "counts": {"weixin": 1}}]
    server.reply = lambda q: as_json(200, {"batch": q["batch"], "items": items})
    put(ground, tencent)
    (line,) = [line for line in logged if line["event"] == "partner_faults"]
    assert (line["partner"], line["faults"], line["pending"]) == ("tencent", 2, 1)
    assert "items[0]: its id was not asked" in line["first"]
    assert PHONE not in str(logged)


def test_a_partners_errors_are_counted_by_code(ground: Ground, tencent: Partner, server: Server) -> None:
    def errors() -> float:
        return numbers().get_sample_value("onecert_partner_calls_total", labels) or 0

    labels = {"partner": "tencent", "outcome": "bad_status"}
    before = errors()
    server.reply = lambda q: as_json(500, {})
    failure_of(ground, tencent)
    assert errors() == before + 1
