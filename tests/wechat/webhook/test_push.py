"""Checking, opening and answering pushes, with wechatpy as the other side."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import xmltodict
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

from tests.wechat.pushes import AES_TEXT, NOW, OPENID, make_keys, open_played, stamp_of
from wechat.errors import BadPush, PushTooLarge, SignatureWrong
from wechat.webhook.body import Format
from wechat.webhook.crypto import sign
from wechat.webhook.player import Played, build_event, build_push, build_text, read_answer
from wechat.webhook.push import MAX_BODY, AccountKeys, Mode, Stamp, build_answer, check_stamp, check_url, open_push

SAFE = make_keys("safe")
PLAIN = make_keys("plain")
TAP = build_event("CLICK", "ONECERT")
SECONDS = NOW // 1000


def play(
    message: dict[str, str | int] = TAP, keys: AccountKeys = SAFE, mode: Mode | None = None, form: Format = "xml"
) -> Played:
    return build_push(keys, message, openid=OPENID, mode=mode or keys.mode, form=form, now=NOW)


def play_with_wechatpy(body: str) -> Played:
    """The same push, sealed and signed by wechatpy."""
    crypto = WeChatCrypto("token-0", AES_TEXT, SAFE.app_id)
    sealed = crypto.encrypt_message(body, "n0nce", str(SECONDS))
    signature = xmltodict.parse(sealed)["xml"]["MsgSignature"]
    query = f"timestamp={SECONDS}&nonce=n0nce&encrypt_type=aes&msg_signature={signature}&signature=not-looked-at"
    return Played(query, sealed.encode(), "text/xml")


def answer_text(played: Played, keys: AccountKeys, words: str = "您好 ]]> <b>") -> bytes:
    push, envelope = open_played(played, keys)
    return build_answer(push, envelope, words, NOW)


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_push_of_any_mode_and_spelling_is_opened_and_answered_alike(mode: Mode, form: Format) -> None:
    keys = make_keys(mode)
    push, envelope = open_played(play(build_text("查询"), keys, form=form), keys)
    assert (push.kind, push.text, push.sender, push.form) == ("text", "查询", OPENID, form)
    assert (envelope is None) == (mode == "plain")
    assert read_answer(keys, build_answer(push, envelope, "好 ]]> <b>", NOW)) == "好 ]]> <b>"


def test_we_open_what_wechatpy_sends() -> None:
    body = (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{OPENID}</FromUserName><CreateTime>{SECONDS}</CreateTime>"
        "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>ONECERT</EventKey></xml>"
    )
    push, _ = open_played(play_with_wechatpy(body), SAFE)
    assert (push.event, push.event_key, push.sender, push.receiver) == ("click", "ONECERT", OPENID, "gh_1")


def test_wechatpy_opens_our_answer() -> None:
    answer = xmltodict.parse(answer_text(play(), SAFE))["xml"]
    crypto = WeChatCrypto("token-0", AES_TEXT, SAFE.app_id)
    inner = crypto.decrypt_message(answer, answer["MsgSignature"], answer["TimeStamp"], answer["Nonce"])
    message = parse_message(inner)
    assert (message.content, message.target, message.type) == ("您好 ]]> <b>", OPENID, "text")


def test_a_plain_answer_is_read_by_wechatpy_as_one_text() -> None:
    message = parse_message(answer_text(play(keys=PLAIN), PLAIN, "]]></Content><MsgType>evil</MsgType>"))
    assert (message.type, message.content) == ("text", "]]></Content><MsgType>evil</MsgType>")


def test_json_in_safe_mode_is_answered_in_json_with_a_bare_timestamp() -> None:
    answer = json.loads(answer_text(play(form="json"), SAFE))
    assert set(answer) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
    assert answer["TimeStamp"] == SECONDS


def test_json_may_escape_the_slashes_of_its_sealed_body() -> None:
    played = play(form="json")
    assert b"/" in played.body
    push, _ = open_played(replace(played, body=played.body.replace(b"/", b"\\/")), SAFE)
    assert push.event == "click"


def test_in_compatible_mode_the_sealed_half_wins() -> None:
    keys = make_keys("compatible")
    played = play(build_text("查询"), keys)
    changed = replace(played, body=played.body.replace("查询".encode(), "进度".encode()))
    assert changed.body != played.body
    assert open_played(changed, keys)[0].text == "查询"


def test_in_compatible_mode_a_plain_body_is_taken_too() -> None:
    keys = make_keys("compatible")
    assert open_played(play(keys=keys, mode="plain"), keys)[0].event == "click"


def test_words_that_look_like_a_sealed_body_do_not_hide_the_real_one() -> None:
    keys = make_keys("compatible")
    words = "<Encrypt>QUJD</Encrypt><Encrypt>" * 50
    assert open_played(play(build_text(words), keys), keys)[0].text == words


def test_a_safe_account_refuses_an_unencrypted_push() -> None:
    with pytest.raises(SignatureWrong):
        open_played(play(mode="plain"), SAFE)


def test_an_account_without_an_aes_key_refuses_a_sealed_push() -> None:
    with pytest.raises(SignatureWrong):
        open_played(play(), replace(PLAIN, aes_keys=()))


def test_the_sealed_push_is_checked_by_msg_signature_and_not_by_signature() -> None:
    assert open_played(play(), SAFE, signature="wrong")[0].event == "click"
    right = stamp_of(play()).signature
    with pytest.raises(SignatureWrong):
        open_played(play(), SAFE, msg_signature=right)


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_two_accounts_crossed_are_refused(mode: Mode) -> None:
    with pytest.raises(SignatureWrong):
        open_played(play(keys=make_keys(mode, number=1)), make_keys(mode, number=2))


def test_an_account_that_shares_another_token_still_refuses_its_app_id() -> None:
    mine = make_keys("safe", number=1, tokens=("shared",))
    theirs = replace(mine, app_id="wxffffffffffffffff")
    with pytest.raises(SignatureWrong):
        open_played(play(keys=theirs), mine)


def test_token_and_key_may_change_while_pushes_come_in() -> None:
    old, new = make_keys("safe", number=1), make_keys("safe", number=2)
    both = replace(old, tokens=old.tokens + new.tokens, aes_keys=old.aes_keys + new.aes_keys)
    for sender in (old, replace(new, app_id=old.app_id), replace(old, aes_keys=new.aes_keys)):
        played = play(keys=sender)
        push, envelope = open_played(played, both)
        assert read_answer(sender, build_answer(push, envelope, "好", NOW)) == "好"


@pytest.mark.parametrize("seconds", [301, -301, 10**8, -SECONDS + 1])
@pytest.mark.parametrize("keys", [SAFE, PLAIN])
def test_a_stale_push_is_refused_however_well_signed(keys: AccountKeys, seconds: int) -> None:
    played = build_push(keys, TAP, openid=OPENID, mode=keys.mode, form="xml", now=NOW + seconds * 1000)
    with pytest.raises(SignatureWrong):
        open_played(played, keys)


@pytest.mark.parametrize("seconds", [300, -300])
def test_five_minutes_either_way_are_fresh(seconds: int) -> None:
    assert open_played(build_push(SAFE, TAP, openid=OPENID, mode="safe", form="xml", now=NOW + seconds * 1000), SAFE)


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": ""},
        {"signature": "0" * 40},
        {"signature": "签名"},
        {"timestamp": ""},
        {"timestamp": "x"},
        {"timestamp": f"0{SECONDS}"},
        {"timestamp": f"{SECONDS}".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))},
        {"nonce": ""},
        {"nonce": "n" * 129},
        {"nonce": "\ud800"},
        {"encrypt_type": "aes"},
    ],
)
def test_a_changed_stamp_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SignatureWrong):
        open_played(play(keys=PLAIN), PLAIN, **changes)


def test_digits_cannot_be_shifted_between_timestamp_and_nonce() -> None:
    signature = sign("token-0", str(SECONDS), "12345")
    with pytest.raises(SignatureWrong):
        check_stamp(Stamp(f"{SECONDS}1", "2345", signature), PLAIN, NOW)


def test_a_bad_signature_is_found_before_a_byte_of_the_body_is_read() -> None:
    with pytest.raises(SignatureWrong):
        check_stamp(stamp_of(play(keys=PLAIN), signature="0" * 40), PLAIN, NOW)


@pytest.mark.parametrize("keys", [SAFE, PLAIN])
def test_one_byte_over_64_kb_is_too_large(keys: AccountKeys) -> None:
    with pytest.raises(PushTooLarge):
        open_push(stamp_of(play(keys=keys)), b"x" * (MAX_BODY + 1), keys)


@pytest.mark.parametrize(
    "body",
    [
        b"<xml></xml>",
        b"<xml><a/></xml>",
        b"<foo/>",
        b"<xml><Encrypt></Encrypt></xml>",
        b"{}",
        b"<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1</CreateTime></xml>",
        b"<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1</CreateTime><MsgType/></xml>",
        b"<xml><ToUserName>a</ToUserName><FromUserName>b c</FromUserName><CreateTime>1</CreateTime><MsgType>text"
        b"</MsgType></xml>",
    ],
)
def test_a_signed_body_without_kind_or_sender_is_no_push_and_no_fault(body: bytes) -> None:
    assert open_push(stamp_of(play(keys=PLAIN)), body, PLAIN) == (None, None)


def test_a_flipped_bit_in_the_sealed_body_is_refused() -> None:
    played = play()
    middle = played.body.index(b"<Encrypt>") + 80
    flipped = played.body[:middle] + bytes([played.body[middle] ^ 1]) + played.body[middle + 1 :]
    with pytest.raises(SignatureWrong):
        open_played(replace(played, body=flipped), SAFE)


def test_the_url_check_gives_back_the_echo() -> None:
    stamp = Stamp(str(SECONDS), "n", sign("token-0", str(SECONDS), "n"))
    assert check_url(stamp, "1234567890123456789", SAFE, NOW) == "1234567890123456789"
    with pytest.raises(SignatureWrong):
        check_url(replace(stamp, signature="0" * 40), "1", SAFE, NOW)
    with pytest.raises(SignatureWrong):
        check_url(stamp, "1", SAFE, NOW + 301_000)
    with pytest.raises(BadPush):
        check_url(stamp, "", SAFE, NOW)


def test_openid_words_and_secrets_are_in_no_repr() -> None:
    push, envelope = open_played(play(build_text("我的号码")), SAFE)
    shown = f"{push!r} {envelope!r} {SAFE!r} {play()!r}"
    assert "我的号码" not in shown and "token-0" not in shown and "x02" not in shown
    assert OPENID not in repr(push)
