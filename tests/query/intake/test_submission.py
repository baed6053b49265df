"""A form is parsed once: only the parser makes a Submission, and one table says which fields a service has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from config.catalogue.document import default_document, load_catalogue
from enterprises.protocol import FIELDS
from query.errors import IdTailInvalid, PhoneInvalid, ServiceUnknown
from query.inquiry import FORM_FIELDS, IDENTITY_FIELDS
from query.intake.submission import Submission, parse_submission

ROOT = Path(__file__).parents[3]
FOLDERS = ("query", "wechat", "miniprogram_api")
TYPED = {"phone": "+86 138 0013 8000", "id_tail": "12345x", "code": "１２３４５６"}


def parsed(**others: str) -> Submission:
    return parse_submission("internet-accounts", {**TYPED, **others}, entrance="web", owner=b"o" * 32)


def test_every_spelling_of_a_form_is_one_submission() -> None:
    found = parsed()
    assert (found.phone, found.identity, found.code) == ("13800138000", {"id_tail": "12345X"}, "123456")
    assert found == parsed(phone="13800138000", id_tail="12345X", code="123456")


@pytest.mark.parametrize(
    ("others", "error"),
    [({"phone": "1"}, PhoneInvalid), ({"phone": "1", "id_tail": ""}, PhoneInvalid), ({"id_tail": ""}, IdTailInvalid)],
)
def test_the_first_wrong_field_is_named(others: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        parsed(**others)


def test_an_unknown_service_has_no_form() -> None:
    with pytest.raises(ServiceUnknown):
        parse_submission("bank-cards", TYPED, entrance="web", owner=b"o" * 32)


def test_only_the_parser_makes_a_submission() -> None:
    makers = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Submission"
    }
    assert makers == {"query/intake/submission.py"}


def test_the_catalogue_and_the_lookup_protocol_know_the_same_fields() -> None:
    for service in load_catalogue(default_document()).services:
        assert sorted(service.fields) == sorted((*FORM_FIELDS[service.code], "consent"))
        asked = set(FIELDS["identity", service.code])
        assert asked == {"phone", *IDENTITY_FIELDS[service.code]}
