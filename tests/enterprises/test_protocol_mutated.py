"""Valid answers, mutated a thousand times: nothing crashes, and nothing is believed that was not sent."""

from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalogue.document import default_document, load_catalogue
from enterprises.callback import parse_callback
from enterprises.errors import AnswerInvalid
from enterprises.protocol import Counts, Parsed, Pending, Refused, Verdict, parse_answer
from tests.enterprises.mutations import BATCH, VALID_COUNTS, VALID_VERDICTS, believed, mutated

CATALOGUE = load_catalogue(default_document())
ASKED = ("a", "b", "c")
TENCENT = frozenset({"weixin", "qq"})


def parse(body: bytes, kind: str) -> Parsed:
    return parse_answer(body, batch=BATCH, asked=ASKED, kind=kind, applications=TENCENT)


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
        parsed_answer = parse_callback(body, partner)
    except AnswerInvalid:
        return
    applications = {application.code for application in partner.counted}
    for asked, found in parsed_answer.answers.items():
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
