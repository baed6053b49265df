"""The notice of acceptance: after the commit, by a job, once, with the reference only; gone when the citizen leaves."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from config.queue.bell import make_redis
from config.queue.worker import make_worker
from config.times.clock import FixedClock
from query.access.door import FilledForm
from query.access.endings import has_left_since
from query.access.sessions import open_session
from query.access.tickets import Ticket, build_ticket
from query.inquiry import DAY
from query.intake.submit import Accepted
from query.models import notice
from query.notices import LATE, NoticeState, claim_notice
from query.upkeep.sweep import sweep
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import codes_owed
from tests.support.doors import make_door
from tests.wechat.played_platform import Played
from tests.wechat.pushes import OPENID
from wechat.platform import notices
from wechat.webhook.account_keys import read_account
from wechat.webhook.body import Format
from wechat.webhook.crypto import encrypt, sign
from wechat.webhook.player import build_event, build_push
from wechat.webhook.views import install

PHONE = "13800138000"


def accept(ground: Ground, entrance: str = "gxwbwx", phone: str = PHONE) -> Accepted:
    """One accepted inquiry of somebody who came by the account's chat."""
    door = make_door(ground, partial(notices.owe, ground))
    ticket = build_ticket(ground.keys, Ticket(entrance, OPENID, ground.clock.now())) if entrance != "web" else None
    _, _, session = open_session(ground, entrance, ticket)
    door.request_code(session, "internet-accounts", phone, "192.0.2.1")
    form = FilledForm("internet-accounts", phone, codes_owed(ground, phone)[-1], True, id_tail="12345X")
    return door.submit(session, form, "192.0.2.1")


def rows(ground: Ground) -> list[Any]:
    with reading(ground.engine) as db:
        return list(db.execute(select(notice)).all())


def work(ground: Ground) -> None:
    """Let a worker run what was rung."""
    make_worker(ground.redis, {"notify": partial(notices.notify, ground), "gather": lambda *_: None}).work(burst=True)


def test_the_notice_names_the_reference_and_nothing_else(ground: Ground, played: Played) -> None:
    reference = accept(ground).reference
    assert played.asked("bizsend") == 0, "not while the citizen waits"
    work(ground)
    [sent] = played.memory.notices
    assert sent["touser"] == OPENID and sent["template_id"] == "sandbox-template"
    assert sent["data"] == {"character_string1": {"value": reference}, "phrase2": {"value": "受理成功"}}
    [row] = rows(ground)
    assert (row.state, row.word, row.openid) == (NoticeState.SENT, "accepted", None)


@on_sqlite
def test_no_notice_where_the_account_has_no_right_or_nobody_is_known(ground: Ground, played: Played) -> None:
    accept(ground, "caict")
    accept(ground, "web", "13900139000")
    assert rows(ground) == []


@on_sqlite
def test_the_same_submission_sent_again_owes_one_notice(ground: Ground, played: Played) -> None:
    reference = accept(ground).reference
    notices.owe(ground, "gxwbwx", OPENID, reference)
    work(ground)
    notices.owe(ground, "gxwbwx", OPENID, reference)
    work(ground)
    assert played.asked("bizsend") == 1


@on_sqlite
def test_a_notice_without_an_answer_is_never_sent_again(ground: Ground, played: Played) -> None:
    played.platform.token(played.account)
    accept(ground)
    played.behaviour.set("wechat", "garbage")
    work(ground)
    played.behaviour.set("wechat", "ok")
    ground.redis.flushall()
    sweep(ground)
    work(ground)
    assert played.asked("bizsend") == 1
    assert [(row.state, row.word) for row in rows(ground)] == [(NoticeState.FAILED, "no answer")]


@on_sqlite
@pytest.mark.parametrize("mode", ["-1", "500"])
def test_a_notice_that_never_left_is_sent_later_by_the_sweeps_ring(ground: Ground, played: Played, mode: str) -> None:
    accept(ground)
    played.behaviour.set("wechat", mode)  # there is no token yet, so nothing can leave
    work(ground)
    assert rows(ground)[0].state == NoticeState.OWED
    played.behaviour.set("wechat", "ok")
    ground.redis.flushall()
    sweep(ground)
    work(ground)
    assert rows(ground)[0].state == NoticeState.SENT and played.asked("bizsend") == 1


@on_sqlite
def test_a_citizen_who_refused_notices_gets_none_and_is_asked_no_more(ground: Ground, played: Played) -> None:
    played.platform.token(played.account)
    accept(ground)
    played.behaviour.set("wechat", "43101")
    work(ground)
    assert [(row.state, row.word, row.openid) for row in rows(ground)] == [(NoticeState.FAILED, "43101", None)]


@on_sqlite
def test_an_acceptance_stands_whatever_becomes_of_its_notice(
    ground: Ground, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(notices, "owe_notice", broken)
    assert len(accept(ground).reference) == 12


def test_a_claimed_notice_is_nobody_elses_and_a_late_one_nobodys(
    ground: Ground, played: Played, clock: FixedClock
) -> None:
    accept(ground)
    assert claim_notice(ground, "gxwbwx") is not None
    assert claim_notice(ground, "gxwbwx") is None
    clock.advance(LATE)
    sweep(ground)
    [row] = rows(ground)
    assert (row.state, row.word, row.openid) == (NoticeState.FAILED, "late", None)
    clock.advance(7 * DAY)
    sweep(ground)
    assert rows(ground) == []


def push(ground: Ground, event: str, *, nested: bytes = b"", form: Format = "xml", openid: str = OPENID) -> int:
    """Play an event of the account; the status of our answer."""
    keys = read_account(ground, "gxwbwx").keys
    message = build_event(event)
    app = Flask(__name__)
    install(app, ground)
    plain = build_push(keys, message, openid=openid, mode="plain", form=form, now=ground.clock.now())
    end = b"</xml>" if form == "xml" else b"}"
    body = plain.body[: -len(end)] + nested + end
    query, sealed = seal(ground, body)
    return app.test_client().post(f"/wechat/gxwbwx?{query}", data=sealed).status_code


def seal(ground: Ground, body: bytes) -> tuple[str, bytes]:
    """The body as a safe account gets it."""
    keys = read_account(ground, "gxwbwx").keys
    encrypted = encrypt(body, keys.aes_keys[0], keys.app_id)
    seconds = str(ground.clock.now() // 1000)
    signature = sign(keys.tokens[0], seconds, "n", encrypted)
    query = f"timestamp={seconds}&nonce=n&encrypt_type=aes&msg_signature={signature}"
    return query, f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


ITEM = b"<List><MsgID>77</MsgID><ErrorCode>43004</ErrorCode><ErrorStatus>failed:user block</ErrorStatus></List>"
REPORTS: list[tuple[str, bytes, Format]] = [
    ("subscribe_msg_sent_event", b"<SubscribeMsgSentEvent>" + ITEM + b"</SubscribeMsgSentEvent>", "xml"),
    ("subscribe_msg_sent_event", b',"List":{"MsgID":77,"ErrorStatus":"failed:user block"}', "json"),
    ("TEMPLATESENDJOBFINISH", b"<MsgID>77</MsgID><Status>failed:user block</Status>", "xml"),
]


@on_sqlite
@pytest.mark.parametrize(("event", "nested", "form"), REPORTS)
def test_what_became_of_a_notice_is_recorded_once(
    ground: Ground, played: Played, event: str, nested: bytes, form: Format
) -> None:
    accept(ground)
    accept(ground, phone="13900139000")
    work(ground)
    for _ in range(3):
        assert push(ground, event, nested=nested, form=form) == 200
    assert sorted((row.report, row.word) for row in rows(ground) if row.report) == [("77", "failed:user block")]
    assert push(ground, event, nested=nested, form=form, openid="oSomebodyElse") == 200


EVENTS = ["unsubscribe", "user_authorization_revoke", "user_authorization_cancellation", "user_info_modified"]


@on_sqlite
@pytest.mark.parametrize("event", EVENTS)
def test_who_leaves_is_forgotten_and_only_they(ground: Ground, played: Played, event: str) -> None:
    accept(ground)
    assert push(ground, event, openid="oSomebodyElse") == 200
    assert len(rows(ground)) == 1
    assert push(ground, event) == 200
    assert rows(ground) == []
    work(ground)
    assert played.asked("bizsend") == 0


@on_sqlite
@pytest.mark.parametrize("event", EVENTS)
def test_who_leaves_is_let_in_by_no_link_that_was_given_before(ground: Ground, clock: FixedClock, event: str) -> None:
    asked_at = clock.now()
    clock.advance(2_000)
    assert push(ground, event, openid="oSomebodyElse") == 200
    assert not has_left_since(ground, "gxwbwx", OPENID, asked_at)
    assert push(ground, event) == 200
    assert has_left_since(ground, "gxwbwx", OPENID, asked_at)
    clock.advance(2_000)
    assert not has_left_since(ground, "gxwbwx", OPENID, clock.now())


@on_sqlite
def test_a_leaving_that_cannot_be_noted_is_sent_again(ground: Ground) -> None:
    away = replace(ground, redis=make_redis("redis://127.0.0.1:1/0"))
    assert push(away, "unsubscribe") == 503


@on_sqlite
def test_an_event_about_somebody_elses_data_forgets_whom_it_names(ground: Ground, played: Played) -> None:
    accept(ground)
    named = f"<OpenID>{OPENID}</OpenID><RevokeInfo>1</RevokeInfo>".encode()
    assert push(ground, "user_authorization_revoke", nested=named, openid="gh_platform") == 200
    assert rows(ground) == []


@on_sqlite
def test_the_database_holds_no_openid_in_clear(ground: Ground, played: Played) -> None:
    accept(ground)
    [row] = rows(ground)
    assert OPENID.encode() not in b"|".join(value for value in row if isinstance(value, bytes))
