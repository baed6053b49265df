"""Rightly signed pushes whose content is not well-formed: what a citizen typed never decides the status.

WeChat shows its own fault text for any answer but 200, sends the push again and counts it against the account
(sources: the threads named at each row).
"""

from __future__ import annotations

import pytest

from config.db.engine import reading
from config.times.clock import FixedClock
from tests.conftest import on_sqlite
from tests.wechat.pushes import OPENID
from tests.wechat.pushing import WeChat
from wechat.webhook.body import Format, build_body
from wechat.webhook.crypto import encrypt, sign
from wechat.webhook.message import parse_push
from wechat.webhook.player import Played, build_event, read_answer
from wechat.webhook.push import AccountKeys

HEAD = f"<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>"
TAIL = "<MsgId>1</MsgId></xml>"
TEXT = "<MsgType><![CDATA[text]]></MsgType>"

Body = str | bytes


def xml(content: Body) -> bytes:
    """A text message as WeChat's template makes it: the citizen's text goes into CDATA as it was typed."""
    typed = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    start = f"<xml>{HEAD}<CreateTime>{{now}}</CreateTime>{TEXT}<Content><![CDATA["
    return start.encode() + typed + f"]]></Content>{TAIL}".encode()


def written_json(content: Body) -> bytes:
    """The same in JSON; `content` is spelled already."""
    typed = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    start = f'{{"ToUserName":"gh_1","FromUserName":"{OPENID}","CreateTime":{{now}},"MsgType":"text","Content":"'
    return start.encode() + typed + b'","MsgId":"1"}'


GBK = "查询".encode("gbk")
CITIZENS_TEXTS: dict[str, bytes] = {
    "U+0010 from an iOS keyboard (easywechat #1419, #989)": xml("查询\x10"),
    "U+0002 (silenceper/wechat #750)": xml("\x02查询"),
    "own variant: every control character": xml("查询" + "".join(map(chr, range(32)))),
    "own variant: NUL and U+FFFE": xml("\x00查询\ufffe\uffff"),
    "own variant: a control character as a reference, outside CDATA": xml("]]>&#16;&#x1;<![CDATA[查询"),
    "U+001D (WeRoBot #419, #420, pull 809)": xml("查询\x1dc"),
    "an element in the text (silenceper/wechat #750, case 1)": xml("查询]]></status>"),
    "own variant: XML 1.1": b"<?xml version='1.1'?>" + xml("查询"),
    "own variant: another encoding is declared": b"\r\n<?xml version='1.0' encoding='GBK'?>" + xml("查询"),
    "own variant: two BOMs": b"\xef\xbb\xbf" * 2 + xml("查询\x02"),
    "own variant: padding behind the end": xml("查询") + b"\x00\x08\n",
    "the end of a CDATA section": xml("查询 ]]> 查询"),
    "own variant: nothing but the end of a CDATA section": xml("查询]]>"),
    "own variant: a CDATA section in it": xml("查询 <![CDATA[x]]>"),
    "own variant: a bare ampersand after the section": xml("查询]]>&nbsp;&<"),
    "own variant: a half emoji, as CESU-8": xml("查询\ud83d"),
    "own variant: a whole emoji, as CESU-8": xml("查询\ud83d\ude00"),
    "own variant: an emoji cut in its bytes": xml("查询".encode() + "😀".encode()[:2]),
    "own variant: overlong and lone bytes": xml("查询".encode() + b"\xc0\x80\xff\xfe"),
    "own variant: a BOM in front of XML": b"\xef\xbb\xbf" + xml("查询"),
    "raw newline, TAB and ESC in JSON (CowAgent #2810)": written_json("查询\n\t\x1b[0m"),
    "own variant: NUL in JSON": written_json("查询\x00"),
    "half a surrogate pair in JSON (RFC 8259 8.2)": written_json("查询\\ud83d"),
    "own variant: halves in the wrong order": written_json("查询\\ude00\\ud83d"),
    "own variant: a half as CESU-8 in JSON": written_json("查询\ud83d"),
    "own variant: a BOM in front of JSON": b"\xef\xbb\xbf" + written_json("查询"),
    "own variant: an escape that JSON does not have": written_json("查询\\x41\\'"),
    "own variant: quotes that were not escaped": written_json('查询 "互联网账号"'),
    "own variant: a number that is none": written_json("查询").replace(b'"MsgId":"1"', b'"MsgId":NaN'),
    "own variant: a member twice": written_json("查询").replace(b'"MsgId":"1"', b'"MsgId":"1","MsgId":"2"'),
    "own variant: two BOMs in front of JSON": b"\xef\xbb\xbf" * 2 + written_json("查询"),
    "own variant: a comma behind the last member": written_json("查询")[:-1] + b",}",
    "own variant: Infinity beside it": written_json("查询").replace(b'"MsgId"', b'"x":-Infinity,"MsgId"'),
    "own variant: another sender in a second member": written_json("查询")[:-1] + b',"FromUserName":"oVictim"}',
    "own variant: the last brace is missing": written_json("查询")[:-1],
}
INJECTIONS: dict[str, bytes] = {
    "another event": xml("]]></Content><MsgType>event</MsgType><Event>unsubscribe</Event><Content><![CDATA[查询"),
    "another sender": xml("]]></Content><FromUserName>oVictim</FromUserName><Content><![CDATA[查询"),
    "the end of the body": xml(f"]]></Content></xml><xml>{HEAD}<MsgType>event</MsgType><Content><![CDATA[查询"),
    "elements in the text": xml("查询]]><MsgType>event</MsgType><Event>unsubscribe</Event><![CDATA["),
    "elements that are too deep": xml("查询]]>" + "<a>" * 40 + "<MsgType>event</MsgType>" + "</a>" * 40 + "<![CDATA["),
    "a document type": xml("]]></Content><!DOCTYPE x [<!ENTITY a '查询'>]><Content><![CDATA[查询&a;"),
    "members of JSON": written_json('查询","MsgType":"event","Event":"unsubscribe","FromUserName":"oVictim","x":"'),
}
SIGNED_BUT_NO_TEXT: dict[str, bytes] = {
    "no MsgId, no CreateTime": f"<xml>{HEAD}{TEXT}<Content>a</Content></xml>".encode(),
    "no ToUserName (jeffkit/wechat #10)": xml("查询").replace(b"<ToUserName><![CDATA[gh_1]]></ToUserName>", b""),
    "CreateTime in words": xml("查询").replace(b"{now}", b"now"),
    "UTF-16": f"<xml>{HEAD}{TEXT}</xml>".encode("utf-16"),
    "an openid with a blank": xml("查询").replace(OPENID.encode(), b"o a"),
    "an array": b"[" + written_json("查询") + b"]",
    "nothing but brackets": b"[" * 40_000,
    "nothing": b"",
}
EVENT_NAMES = ["x" * 65, "trade manage", "trade.manage", "订单", "a\x01b", "]]>", "<b>", "NULL", "😀"]
"""Names outside of what WeChat documents (WxJava #2554, fudiwei #183, wechatpy #178, and own variants)."""


def signed(wechat: WeChat, code: str, mode: str, inner: bytes) -> Played:
    """The body as WeChat sends it to this account: as it is, or sealed, with the right signature."""
    keys, seconds = wechat.keys(code), str(wechat.ground.clock.now() // 1000)
    body = inner.replace(b"{now}", seconds.encode())
    nonce = sign(code, mode, str(body))[:10]
    query = f"timestamp={seconds}&nonce={nonce}&signature={sign(keys.tokens[0], seconds, nonce)}"
    if mode == "plain":
        return Played(query, body, "text/xml")
    return sealed(keys, query, seconds, nonce, body)


def sealed(keys: AccountKeys, query: str, seconds: str, nonce: str, body: bytes) -> Played:
    encrypted = encrypt(body, keys.aes_keys[0], keys.app_id)
    query += f"&encrypt_type=aes&msg_signature={sign(keys.tokens[0], seconds, nonce, encrypted)}"
    form: Format = "json" if body.lstrip(b"\xef\xbb\xbf")[:1] == b"{" else "xml"
    return Played(query, build_body(form, {"ToUserName": "gh_1", "Encrypt": encrypted}), "text/xml")


def first_line(text: str) -> str:
    return text.split("\n")[0]


MODES = [("caict", "plain"), ("gxb-antifraud", "plain"), ("gxb-antifraud", "sealed"), ("gxwbwx", "sealed")]


@on_sqlite
@pytest.mark.parametrize(("code", "mode"), MODES)
def test_a_citizens_text_is_answered_whatever_is_in_it(wechat: WeChat, code: str, mode: str) -> None:
    """door fault F1, rows 1, 3, 5, 6, 7."""
    texts = wechat.ground.catalogues.current().texts.chat
    for row, body in (CITIZENS_TEXTS | INJECTIONS).items():
        response = wechat.send(code, signed(wechat, code, mode, body))
        assert response.status_code == 200, row
        answer = read_answer(wechat.keys(code), response.data)
        menu, number = answer.startswith(first_line(texts["menu"]["zh-CN"])), answer == texts["number"]["zh-CN"]
        assert menu or (number and row in INJECTIONS), (row, answer)


@on_sqlite
@pytest.mark.parametrize(("code", "mode"), MODES)
def test_what_cannot_be_answered_is_acknowledged(wechat: WeChat, code: str, mode: str) -> None:
    """door fault F13, rows 17 and 19."""
    for row, body in SIGNED_BUT_NO_TEXT.items():
        response = wechat.send(code, signed(wechat, code, mode, body))
        assert response.status_code == 200, row
        assert response.data == b"success" or read_answer(wechat.keys(code), response.data), row
    for name in EVENT_NAMES:
        event = f"<xml>{HEAD}<CreateTime>{{now}}</CreateTime><MsgType>event</MsgType><Event>{name}</Event></xml>"
        response = wechat.send(code, signed(wechat, code, mode, event.encode()))
        assert (response.status_code, response.data) == (200, b"success"), name


@pytest.mark.parametrize("row", INJECTIONS)
def test_markup_that_a_citizen_typed_stays_text(row: str) -> None:
    push = parse_push(INJECTIONS[row].replace(b"{now}", b"1795327500"))
    assert push is not None
    assert (push.kind, push.event, push.sender, push.receiver) == ("text", "", OPENID, "gh_1")
    assert "查询" in push.text


@pytest.mark.parametrize("row", CITIZENS_TEXTS)
def test_a_mended_text_keeps_the_identity_of_its_push(row: str) -> None:
    push = parse_push(CITIZENS_TEXTS[row].replace(b"{now}", b"1795327500"))
    assert push is not None
    assert (push.sender, push.created, push.kind) == (OPENID, "1795327500", "text")


def test_gbk_is_answered_as_a_text_that_is_not_understood(wechat: WeChat) -> None:
    """WeChat sends UTF-8 only: row 6's own variant."""
    for form in (xml(GBK), written_json(GBK)):
        response = wechat.send("caict", signed(wechat, "caict", "plain", form))
        assert response.status_code == 200 and read_answer(wechat.keys("caict"), response.data)


def test_an_emoji_in_two_halves_is_one(wechat: WeChat) -> None:
    push = parse_push(CITIZENS_TEXTS["own variant: a whole emoji, as CESU-8"].replace(b"{now}", b"1"))
    assert push is not None and push.text == "查询😀"


ENVELOPES: dict[str, str] = {
    "blanks round the CDATA section (WxJava #1634)": "<xml><Encrypt> \n<![CDATA[{}]]>\n</Encrypt></xml>",
    "blanks inside it": "<xml><Encrypt><![CDATA[\n {} \n]]></Encrypt></xml>",
    "own variant: blanks and an attribute in the tags": "<xml><Encrypt type='aes' >\n<![CDATA[{}]]></Encrypt ></xml>",
    "own variant: two CDATA sections": "<xml><Encrypt><![CDATA[{half}]]><![CDATA[{rest}]]></Encrypt></xml>",
    "own variant: behind one that is not signed": "<xml><Encrypt>AAAA</Encrypt><Encrypt>{}</Encrypt></xml>",
    "own variant: signs as references": "<xml><Encrypt>{ref}</Encrypt></xml>",
    "own variant: base64 in lines of 76": "<xml><Encrypt><![CDATA[{lines}]]></Encrypt></xml>",
    "= as \\u003d, + as \\u002b (Gson)": '{{"Encrypt":"{gson}"}}',
    "own variant: base64 in lines of 64, as JSON": '{{"Encrypt":"{jsonlines}"}}',
}


@on_sqlite
def test_the_envelope_is_found_in_every_spelling(wechat: WeChat) -> None:
    """door fault F14, rows 9 and 10."""
    keys, seconds = wechat.keys("gxwbwx"), str(wechat.ground.clock.now() // 1000)
    encrypted = encrypt(xml("查询").replace(b"{now}", seconds.encode()), keys.aes_keys[0], keys.app_id)
    query = f"timestamp={seconds}&nonce=n&encrypt_type=aes&msg_signature="
    query += sign(keys.tokens[0], seconds, "n", encrypted)
    spellings = {
        **{"half": encrypted[:70], "rest": encrypted[70:]},
        "ref": encrypted.replace("=", "&#61;").replace("+", "&#x2B;"),
        "lines": "\r\n".join(encrypted[at : at + 76] for at in range(0, len(encrypted), 76)),
        "gson": encrypted.replace("=", "\\u003d").replace("+", "\\u002b").replace("/", "\\/"),
        "jsonlines": "\\n".join(encrypted[at : at + 64] for at in range(0, len(encrypted), 64)),
    }
    for row, template in ENVELOPES.items():
        body = template.format(encrypted, **spellings).encode()
        response = wechat.send("gxwbwx", Played(query, body, "text/xml"))
        assert response.status_code == 200, row
        assert b"Encrypt" in response.data, row
    forged = ENVELOPES["blanks inside it"].format(encrypted[:-4] + "AAA=").encode()
    assert wechat.send("gxwbwx", Played(query, forged, "text/xml")).status_code == 403


def test_nothing_is_written_for_an_injected_event(wechat: WeChat) -> None:
    for row in INJECTIONS:
        wechat.send("caict", signed(wechat, "caict", "plain", INJECTIONS[row]))
    with reading(wechat.ground.engine):
        assert not list(wechat.ground.redis.scan_iter("departed:*"))


def stranger(played: Played) -> bytes:
    return played.body.replace(OPENID.encode(), b"oSomebodyElse-0123456789_abc")


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("code", ["caict", "gxb-antifraud"])
def test_one_signed_address_speaks_for_one_body(wechat: WeChat, clock: FixedClock, code: str, form: Format) -> None:
    """security fault S10: the same signed address with another body, within its 300 s."""
    played = wechat.play(code, mode="plain", form=form)
    first = wechat.send(code, played)
    assert first.status_code == 200
    assert wechat.send(code, played).data == first.data, "WeChat's own retry"
    clock.advance(290_000)
    forged = [stranger(played), b"<xml></xml>", played.body.replace(b"ONECERT", b"OTHER"), b""]
    forged += [stranger(wechat.play(code, build_event("unsubscribe"), "plain", form))]
    assert [wechat.send(code, played, body).status_code for body in forged] == [403] * len(forged)
    assert wechat.send(code, wechat.play(code, mode="plain", form=form)).status_code == 200


def test_the_stamp_of_a_sealed_push_is_no_stamp_for_a_plain_one(wechat: WeChat) -> None:
    played = wechat.play("gxb-antifraud", mode="compatible")
    assert wechat.send("gxb-antifraud", played).status_code == 200
    plain = wechat.play("gxb-antifraud", mode="plain")
    stripped = "&".join(part for part in played.query.split("&") if not part.startswith(("encrypt_type", "msg_")))
    assert wechat.send("gxb-antifraud", plain, stranger(plain), stripped).status_code == 403


def test_the_stamp_of_the_url_check_is_no_stamp_for_a_push(wechat: WeChat) -> None:
    played = wechat.play("caict")
    for _ in range(2):
        assert wechat.client().get(f"/wechat/caict?{played.query}&echostr=1").data == b"1"
    assert wechat.send("caict", played).status_code == 403
