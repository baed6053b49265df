"""Events with lists inside: one item or several, in XML and JSON (pure)."""

from __future__ import annotations

import json

import pytest

from tests.wechat.pushes import NOW, make_keys, stamp_of
from wechat.webhook.body import Format
from wechat.webhook.items import parse_items
from wechat.webhook.message import Push, Report
from wechat.webhook.player import Message, build_event, build_push
from wechat.webhook.push import check_stamp, open_push

ONE = {"TemplateId": "t", "MsgID": "1700827132819554304", "ErrorCode": "0", "ErrorStatus": "success"}
TWO = {"TemplateId": "t", "MsgID": "2", "ErrorCode": "43004", "ErrorStatus": "failed:user block"}


SENT, DONE = build_event("subscribe_msg_sent_event"), build_event("TEMPLATESENDJOBFINISH")


def xml(*items: dict[str, str]) -> str:
    return "".join(f"<List>{''.join(f'<{k}><![CDATA[{v}]]></{k}>' for k, v in item.items())}</List>" for item in items)


SPELLINGS: list[tuple[Format, str, list[dict[str, str]]]] = [
    ("xml", f"<xml><SubscribeMsgSentEvent>{xml(ONE)}</SubscribeMsgSentEvent></xml>", [ONE]),
    ("xml", f"<xml><A><B>x</B>{xml(ONE, TWO)}</A><C>y</C></xml>", [ONE, TWO]),
    ("xml", "<xml><List><A><B>1</B></A></List></xml>", [{"A": ""}]),
    ("xml", "<xml></xml>", []),
    ("json", json.dumps({"List": ONE}), [ONE]),
    ("json", json.dumps({"SubscribeMsgSentEvent": {"List": [ONE, TWO, 3, None]}}), [ONE, TWO]),
    ("json", '{"List": {"MsgID": 1700827132819554304, "x": {}}}', [{"MsgID": "1700827132819554304"}]),
    ("json", '{"List": 1, "a": [{"List": {"b": "c"}}]}', []),
]


@pytest.mark.parametrize(("form", "body", "items"), SPELLINGS)
def test_a_list_is_read_in_both_spellings(form: Format, body: str, items: list[dict[str, str]]) -> None:
    assert parse_items(form, body.encode()) == items


def test_no_more_than_twenty_items_are_read() -> None:
    assert len(parse_items("xml", f"<xml>{xml(*[ONE] * 50)}</xml>".encode())) == 20


def opened(message: Message, extra: str) -> Push:
    """A plain XML push with something nested in it."""
    account = make_keys("plain")
    played = build_push(account, message, openid="o1", mode="plain", form="xml", now=NOW)
    stamp = stamp_of(played)
    check_stamp(stamp, account, NOW)
    push, _ = open_push(stamp, played.body.replace(b"</xml>", f"{extra}</xml>".encode()), account)
    assert push is not None
    return push


def test_what_became_of_notices_is_read_from_either_event() -> None:
    sent = opened(
        build_event("subscribe_msg_sent_event"), f"<SubscribeMsgSentEvent>{xml(ONE, TWO)}</SubscribeMsgSentEvent>"
    )
    assert sent.reports == (Report(ONE["MsgID"], "success"), Report("2", "failed:user block"))
    done = opened(
        build_event("TEMPLATESENDJOBFINISH"), "<MsgID>200163836</MsgID><Status>failed: system failed</Status>"
    )
    assert done.reports == (Report("200163836", "failed: system failed"),)
    assert opened(build_event("CLICK", "K"), xml(ONE)).reports == ()


def test_a_report_is_cut_to_what_is_worth_keeping() -> None:
    done = opened(
        build_event("TEMPLATESENDJOBFINISH"), f"<MsgID>{'9' * 99}</MsgID><Status>成功<![CDATA[<b>]]>{'x' * 99}</Status>"
    )
    assert done.reports == (Report("9" * 32, "b" + "x" * 31),)


def test_an_event_about_personal_data_names_whom_it_is_about() -> None:
    revoked = opened(build_event("user_authorization_revoke"), "<OpenID>o2</OpenID><RevokeInfo>1</RevokeInfo>")
    assert (revoked.sender, revoked.about) == ("o1", "o2")
    assert opened(build_event("user_info_modified"), "").about == ""
    assert opened(build_event("CLICK", "K"), "<OpenID>o2</OpenID>").about == ""
    assert opened(build_event("user_info_modified"), "<OpenID>查</OpenID>").about == ""
