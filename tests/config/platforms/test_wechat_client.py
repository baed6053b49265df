"""wechatpy's client with our token store, transport and errcodes, against a platform that answers what peers report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.net.http_client import HttpClient, HttpResponse
from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_errcodes import ErrcodeAction
from tests.conftest import on_sqlite
from tests.wechat.played_platform import Played, played_platform

pytestmark = on_sqlite


@pytest.fixture
def played(ground: Ground) -> Iterator[Played]:
    with played_platform(ground) as played:
        yield played


def answering(monkeypatch: pytest.MonkeyPatch, body: bytes, media: str = "application/json") -> None:
    """From now on the platform answers every GET with this."""
    answer = HttpResponse(200, {"Content-Type": media}, body)
    monkeypatch.setattr(HttpClient, "get", lambda *args, **limits: answer)


@pytest.mark.parametrize(
    "body",
    [
        b'{"menu":{"button":[{"name":"a\x14b"}]}}',
        b'{"menu":{"button":[{"name":"a\n\tb"}]},"errcode":0}',
        b'{"menu":{"button":[{"name":"a\xffb"}]},"errcode":"0"}',
        b'\xef\xbb\xbf{"menu":{"button":[{"name":"ab"}]}}',
        b'\r\n{"menu":{"button":[{"name":"a\x00"}]},"errcode":0}\n',
    ],
)
def test_an_answer_with_raw_control_characters_is_read(
    ground: Ground, played: Played, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """door fault F15, row 30 (lanrion #52; wechatpy #154; chanxuehong #187), and own variants."""
    played.platform.token(played.account)
    answering(monkeypatch, body)
    menu = played.platform.live_menu(played.account)
    assert menu is not None and menu["button"][0]["name"].startswith("a")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"a"', b"7", b'{"errcode":"x"}', b'{"errcode":null}', b"[" * 50_000]
)
def test_what_is_no_answer_is_no_answer(
    ground: Ground, played: Played, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    played.platform.token(played.account)
    answering(monkeypatch, body)
    with pytest.raises(PlatformAway):
        played.platform.live_menu(played.account)


def test_a_successor_of_the_app_secret_is_used_as_soon_as_the_platform_knows_no_other(
    ground: Ground, played: Played
) -> None:
    """door fault F6: `app_secret.next` was taken and never used."""
    with begin(ground.engine) as db:
        ground.secrets.set(db, "gxwbwx.app_secret.next", "f" * 32, ground.clock.now())
    assert played.platform.token(played.account).value
    assert played.asked("stable_token") == 2
    with begin(ground.engine) as db:
        ground.secrets.set(db, "gxwbwx.app_secret.next", "e" * 32, ground.clock.now())
    code = played.memory.issue_code(played.account.app_id)
    assert played.platform.identify(played.account, code).openid


@pytest.mark.parametrize("told", ["1", "true", '"1"', "2"])
def test_a_snapshot_visitor_is_one_in_every_spelling(
    ground: Ground, played: Played, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """door fault F19, row 36 (WxJava #2789, #2828; easywechat #2604)."""
    answering(monkeypatch, f'{{"openid":"o1","is_snapshotuser":{told}}}'.encode())
    assert played.platform.identify(played.account, "c").snapshot
    answering(monkeypatch, b'{"openid":"o1","is_snapshotuser":0}')
    assert not played.platform.identify(played.account, "c").snapshot


def test_any_other_call_of_wechatpy_is_bounded_and_judged_the_same_way(
    ground: Ground, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = played.platform.client(played.account)
    answering(monkeypatch, b'{"ip_list":["127.0.0.1"]}')
    assert client.misc.get_wechat_ips() == ["127.0.0.1"]
    answering(monkeypatch, b"\x89PNG", "image/png")
    assert client.get("media/get", params={"media_id": "m"}).content == b"\x89PNG"
    answering(monkeypatch, b'{"errcode":48001,"errmsg":"api unauthorized rid: 12ab"}')
    with pytest.raises(PlatformRefused) as refused:
        client.user.get("o1")
    assert (refused.value.action, refused.value.rid) == (ErrcodeAction.STOP, "12ab")


def test_neither_secret_nor_token_is_on_the_client(ground: Ground, played: Played) -> None:
    client = played.platform.client(played.account)
    secret, token = ground.secrets.get("gxwbwx.app_secret"), client.access_token
    assert token == played.platform.token(played.account).value
    held = repr(vars(client)) + repr(vars(client.session)) + repr(vars(client.policy))
    assert secret not in held and token not in held


def test_a_page_is_signed_as_in_the_platforms_example(played: Played) -> None:
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    sign = played.platform.client(played.account).jsapi.get_jsapi_signature
    signature = sign("Wm3WZYTPz0wzccnW", ticket, 1414587457, "http://mp.weixin.qq.com?params=value")
    assert signature == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
