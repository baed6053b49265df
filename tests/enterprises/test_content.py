"""A body travels as agreed with the partner, and nothing else is read."""

from __future__ import annotations

import pytest

from enterprises.content import JSON_TYPE, SEALED_TYPE, build_content, parse_content
from enterprises.errors import AnswerInvalid

SECRET = "the-secret-of-a-partner"
PLAIN = b'{"batch":"1"}'


@pytest.mark.parametrize(("seal", "kind"), [("none", JSON_TYPE), ("A256GCM", SEALED_TYPE), ("SM4GCM", SEALED_TYPE)])
def test_what_is_built_as_agreed_is_read_as_agreed(seal: str, kind: str) -> None:
    body, content_type = build_content(seal, SECRET, "key-1", PLAIN)
    assert content_type == kind
    assert (body == PLAIN) == (seal == "none")
    assert parse_content(seal, [SECRET], content_type, body) == PLAIN


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF8"']
)
def test_json_in_utf8_is_known_in_every_spelling(content_type: str) -> None:
    assert parse_content("none", [SECRET], content_type, PLAIN) == PLAIN


@pytest.mark.parametrize("content_type", ["", "text/html", "application/json; charset=gbk", SEALED_TYPE])
def test_another_content_type_is_no_plain_answer(content_type: str) -> None:
    with pytest.raises(AnswerInvalid):
        parse_content("none", [SECRET], content_type, PLAIN)


@pytest.mark.parametrize("content_type", ["", JSON_TYPE])
def test_where_bodies_are_sealed_a_plain_one_is_refused(content_type: str) -> None:
    with pytest.raises(AnswerInvalid):
        parse_content("A256GCM", [SECRET], content_type, PLAIN)
