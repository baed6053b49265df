"""Valid answers, mutated a thousand times: nothing crashes, and nothing is believed that was not sent."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalogue import default_document, load_catalogue
from enterprises.callback import parse_callback
from enterprises.errors import AnswerInvalid
from enterprises.protocol import Counts, Parsed, Pending, Refused, Verdict, parse_answer

BATCH = "0b1e6f2e-5d0c-4d5e-9a57-0f6f6ad9b0a1"
CATALOGUE = load_catalogue(default_document())
ASKED = ("a", "b", "c")
TENCENT = frozenset({"weixin", "qq"})
VALID_COUNTS = {
    "batch": BATCH,
    "items": [
        {"id": "a", "counts": {"weixin": 2, "qq": 1}},
        {"id": "b", "counts": {"weixin": 0}},
        {"id": "c", "error": "refused"},
    ],
}
VALID_VERDICTS = {
    "batch": BATCH,
    "items": [{"id": "a", "verdict": "match"}, {"id": "b", "verdict": "not_ours"}, {"id": "c", "error": "retry"}],
}
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["a", "b", "c", "match", "retry", BATCH, 2, 999, 1000, -1, 1e308]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "counts", "verdict", "error", "weixin", "qq"]), st.integers(), max_size=2),
)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON tree."""
    found: list[tuple[Any, Any]] = []
    keys: Any = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        found += [(tree, key), *places(tree[key])]
    return found


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """A valid answer with one to three members replaced, removed or doubled, then perhaps a byte flipped or cut off."""
    tree = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(tree) or [({"": 0}, "")]))
        act = draw(st.sampled_from(["replace", "remove", "double"]))
        if act == "remove":
            del container[key]
        elif act == "double" and isinstance(container, list):
            container.append(draw(st.sampled_from(container)))
        else:
            container[key] = draw(NASTY)
    body = bytearray(json.dumps(tree).encode())
    if draw(st.integers(0, 3)) == 0:
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 7)) == 0:
        del body[draw(st.integers(0, len(body))) :]
    return bytes(body)


def parse(body: bytes, kind: str) -> Parsed:
    return parse_answer(body, batch=BATCH, asked=ASKED, kind=kind, applications=TENCENT)


def believed(body: bytes) -> list[dict[str, Any]]:
    """The objects in the body's items, read by the standard library alone."""
    items = json.loads(body)["items"]
    return [item for item in items if isinstance(item, dict)]


@settings(max_examples=1000, deadline=None)
@given(mutated(VALID_COUNTS))
def test_a_mutated_answer_never_gives_a_count_that_the_partner_did_not_send(body: bytes) -> None:
    try:
        parsed = parse(body, "count")
    except AnswerInvalid:
        return
    assert set(parsed.answers) == set(ASKED)
    for asked, found in parsed.answers.items():
        if isinstance(found, Counts):
            sent = [item["counts"] for item in believed(body) if item.get("id") == asked and item.get("counts")]
            assert all(code in TENCENT and type(n) is int and 0 <= n <= 999 for code, n in found.counts.items())
            assert any(found.counts.items() <= one_sent.items() for one_sent in sent if isinstance(one_sent, dict))
        elif isinstance(found, Refused):
            assert any(item.get("id") == asked and item.get("error") == "refused" for item in believed(body))
        else:
            assert isinstance(found, Pending)


@settings(max_examples=1000, deadline=None)
@given(mutated(VALID_VERDICTS))
def test_a_mutated_verdict_is_one_that_the_carrier_sent_or_none(body: bytes) -> None:
    try:
        parsed = parse(body, "identity")
    except AnswerInvalid:
        return
    for asked, found in parsed.answers.items():
        if isinstance(found, Verdict):
            sent = [item.get("verdict") for item in believed(body) if item.get("id") == asked]
            assert found.value in sent


@settings(max_examples=1000, deadline=None)
@given(mutated(VALID_COUNTS), st.sampled_from(["tencent", "china-mobile"]))
def test_a_mutated_callback_gives_nothing_that_the_partner_did_not_send(body: bytes, code: str) -> None:
    partner = CATALOGUE.partner(code)
    assert partner
    try:
        told = parse_callback(body, partner)
    except AnswerInvalid:
        return
    applications = {application.code for application in partner.counted}
    for asked, found in told.answers.items():
        mine = [item for item in believed(body) if item.get("id") == asked]
        if isinstance(found, Counts):
            assert set(found.counts) <= applications
            assert any(
                found.counts.items() <= item["counts"].items() for item in mine if isinstance(item.get("counts"), dict)
            )
        elif isinstance(found, Verdict):
            assert partner.kind == "carrier"
            assert found.value in [item.get("verdict") for item in mine]
        else:
            assert isinstance(found, Refused)
            assert any(item.get("error") == "refused" for item in mine)
