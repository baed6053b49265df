"""核验码 over the JSON door: the verdict and nothing else, and the audience of an inquiry."""

from __future__ import annotations

from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from query.inquiry import Outcome
from query.models import inquiry
from query.proofs.verdict import add_code
from query.reply import Reply
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import ACCOUNTS, Citizen, problem

pytestmark = on_sqlite


def test_the_verdict_and_nothing_else(ground: Ground, citizen: Citizen) -> None:
    text = "【一证通查】您11月22日查询的手机号138****8000共关联2个账号：微信2个。本短信不含链接。"
    shown = add_code(ground, Reply(text, text, Outcome.ANSWERED), "tencent", ground.clock.now()).text
    form = {"date": "2026-11-22", "phone": "138****8000", "audience": "tencent", "counts": {"weixin": 2}, "code": "7"}
    for body, verdict in (({"text": shown}, "match"), ({"text": "x"}, "no_match"), (form, "no_match")):
        assert citizen.call("POST", "/verifications", body, token="").json == {"verdict": verdict}
    problem(citizen.call("POST", "/verifications", {**form, "note": "x"}, token=""), 400, "body_invalid")
    for _ in range(2):
        assert citizen.call("POST", "/verifications", {"text": shown}, token="").status_code == 200
    problem(citizen.call("POST", "/verifications", {"text": shown}, token=""), 429, "limit_reached")


def test_an_inquiry_names_its_audience(ground: Ground, citizen: Citizen) -> None:
    code = citizen.receive_code()
    problem(citizen.submit(code, ACCOUNTS | {"audience": "nobody"}), 400, "audience_unknown")
    assert citizen.submit(code, ACCOUNTS | {"audience": "tencent"}).status_code == 202
    with reading(ground.engine) as db:
        assert db.execute(select(inquiry.c.audience)).scalars().all() == ["tencent"]
