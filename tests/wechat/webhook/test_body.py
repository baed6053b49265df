"""The two spellings of a body, and all that must not be read as one."""

from __future__ import annotations

import json
import time

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st

from wechat.errors import BadPush
from wechat.webhook.body import Format, build_body, parse_body

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">%s]><xml><Content>&a;</Content></xml>"""
ENTITIES = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a;" * 10) for n in range(9))


def test_xml_is_read_as_flat_text_fields() -> None:
    body = "<xml><MsgType><![CDATA[text]]></MsgType>\n<CreateTime>12</CreateTime><Content>一证&amp;通查</Content></xml>"
    assert parse_body(body.encode()) == ("xml", {"MsgType": "text", "CreateTime": "12", "Content": "一证&通查"})


def test_json_is_read_as_flat_text_fields_and_numbers_keep_their_spelling() -> None:
    body = b'{"MsgType":"text","CreateTime":1763800000,"MsgId":23456789012345678901234567890,"x":1.50,"y":true}'
    fields = {"MsgType": "text", "CreateTime": "1763800000", "MsgId": "23456789012345678901234567890", "x": "1.50"}
    assert parse_body(body) == ("json", fields)


@pytest.mark.parametrize(
    "body", [b"<xml><List><a>1</a><b>2</b></List><c>3</c></xml>", b'{"List":[{"a":1},{"b":2}],"c":"3"}']
)
def test_nested_values_are_passed_over(body: bytes) -> None:
    assert parse_body(body)[1] == {"c": "3"}


def test_a_text_over_several_cdata_sections_is_one_text() -> None:
    body = b"<xml><Content><![CDATA[a]]]]><![CDATA[>b]]></Content></xml>"
    assert parse_body(body)[1] == {"Content": "a]]>b"}


@pytest.mark.parametrize("form", ["xml", "json"])
@given(text=st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=200))
def test_what_is_written_reads_back(form: Format, text: str) -> None:
    body = build_body(form, {"Content": text, "CreateTime": 7})
    assert parse_body(body) == (form, {"Content": text, "CreateTime": "7"})


def test_the_end_of_a_cdata_section_in_a_text_is_split_and_stays_text() -> None:
    body = build_body("xml", {"Content": "]]><MsgType>evil</MsgType>", "MsgType": "text"})
    assert xmltodict.parse(body)["xml"] == {"Content": "]]><MsgType>evil</MsgType>", "MsgType": "text"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"text",
        b"<foo/>",
        b"<xml>",
        b"<xml></xml></xml>",
        b"<xml><a></xml>",
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>",
        b"<xml><MsgType><x>1</x></MsgType><MsgType>event</MsgType></xml>",
        b"<xml><a>\x00</a></xml>",
        b"<xml><a>&undefined;</a></xml>",
        b"<!DOCTYPE xml><xml><a>1</a></xml>",
        b"<!DOCTYPE xml SYSTEM 'file:///etc/passwd'><xml><a>1</a></xml>",
        b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><xml><a>&a;</a></xml>",
        BOMB % b"",
        BOMB % ENTITIES,
        "<xml><a>一证通查</a></xml>".encode("gbk"),
        "<?xml version='1.0' encoding='gbk'?><xml><a>一证通查</a></xml>".encode("gbk"),
        "<xml><a>1</a></xml>".encode("utf-16"),
        b"<xml>" * 17 + b"</xml>" * 17,
        b"<xml>" + b"<a>" * 9000 + b"</a>" * 9000 + b"</xml>",
        b"[]",
        b"[" * 60_000,
        b"{",
        b'{"a":1',
        b'{"a":1}{"b":2}',
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":"\x00"}',
    ],
)
def test_what_is_no_body_is_a_bad_push_and_found_out_at_once(body: bytes) -> None:
    started = time.thread_time()  # of this thread alone, whatever else the machine does
    with pytest.raises(BadPush):
        parse_body(body)
    assert time.thread_time() - started < 0.05


def test_sixteen_levels_are_the_most() -> None:
    assert parse_body(b"<xml>" + b"<a>" * 15 + b"</a>" * 15 + b"</xml>") == ("xml", {})


def test_a_declared_encoding_does_not_change_what_the_bytes_say() -> None:
    body = "<?xml version='1.0' encoding='ISO-8859-1'?><xml><a>查询</a></xml>"
    assert parse_body(body.encode()) == ("xml", {"a": "查询"})


def test_json_answers_are_plain_json() -> None:
    assert json.loads(build_body("json", {"Content": "查</询>\n", "CreateTime": 7})) == {
        "Content": "查</询>\n",
        "CreateTime": 7,
    }


@given(st.binary(max_size=400))
def test_random_bytes_are_fields_or_a_bad_push(body: bytes) -> None:
    try:
        form, fields = parse_body(body)
    except BadPush:
        return
    assert form in ("xml", "json") and all(isinstance(value, str) for value in fields.values())
