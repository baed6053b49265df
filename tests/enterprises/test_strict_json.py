"""A body from outside is read strictly, and refused without quoting it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.strict_json import write_object
from enterprises.errors import AnswerInvalid
from enterprises.strict_json import read_object

REFUSED = {
    "nothing": (b"", "not JSON"),
    "a web page": (b"<html>502</html>", "not JSON"),
    "two objects": (b"{}{}", "not JSON"),
    "a list": (b"[]", "not an object"),
    "a number": (b"1", "not an object"),
    "an integer of 5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
    "a control sign in a string": (b'{"a":"\x00"}', "not JSON"),
    "NaN": (b'{"a":NaN}', "NaN or Infinity"),
    "-Infinity": (b'{"a":[-Infinity]}', "NaN or Infinity"),
    "a key twice": (b'{"a":1,"b":2,"a":1}', "twice"),
    "a key twice, once escaped": (b'{"a":1,"\\u0061":2}', "twice"),
    "a key twice far inside": (b'{"a":[{"b":{"c":1,"c":2}}]}', "twice"),
    "100,000 lists deep": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "100,000 objects deep, never closed": (b'{"a":' * 100_000, "nested too deeply"),
    "UTF-16": ('{"a":"微信"}'.encode("utf-16"), "not UTF-8"),
    "GBK": ('{"a":"微信"}'.encode("gbk"), "not UTF-8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_body_that_is_not_strict_json_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(AnswerInvalid) as refusal:
        read_object(body)
    assert reason in refusal.value.detail
    assert refusal.value.code == "answer_invalid"


def test_a_refusal_holds_nothing_of_the_body() -> None:
    with pytest.raises(AnswerInvalid) as refusal:
        read_object(b'{"phone":"13800138000"')
    assert "13800138000" not in repr(refusal.value)
    assert refusal.value.__context__ is None


def test_chinese_text_travels_as_utf_8() -> None:
    assert write_object({"name": "张三", "n": 1}) == '{"name":"张三","n":1}'.encode()
    assert read_object(write_object({"name": "张三"})) == {"name": "张三"}


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none() | st.booleans(), max_size=5))
def test_what_is_written_is_read_back(members: dict[str, object]) -> None:
    surrogates = any("\ud800" <= sign <= "\udfff" for text in [*members, *members.values()] for sign in str(text))
    if not surrogates:
        assert read_object(write_object(members)) == members


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_answer_invalid(body: bytes) -> None:
    with contextlib.suppress(AnswerInvalid):
        assert isinstance(read_object(body), dict)
