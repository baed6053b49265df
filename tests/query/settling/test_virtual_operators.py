"""Thirty-nine virtual operators by the catalogue alone: found by prefix, asked like any carrier, told as one."""

from __future__ import annotations

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.schema import Catalogue
from config.db.engine import begin
from config.ground import Ground
from query.inquiry import PHONE_CARDS, Outcome
from query.settling.advance import advance
from tests.query.partner_stub import Partners, accept, gather, one, replies, verdict, waited_for, work

FOUR = ["china-mobile", "china-unicom", "china-telecom", "china-broadnet"]
SEGMENTS = ("162", "165", "167", "170", "171")
OWN_SEGMENTS = {"mvno-00": ("1700", "china-telecom"), "mvno-01": ("1705", "china-mobile"), "mvno-02": ("162", FOUR[2])}
OPERATORS = [f"mvno-{number:02}" for number in range(39)]


def prefix_of(code: str) -> str:
    """A whole segment that its network gives up, or a part of one that the network keeps the rest of."""
    number = int(code[-2:])
    return OWN_SEGMENTS[code][0] if code in OWN_SEGMENTS else f"{SEGMENTS[1 + number % 4]}{number % 10}{number:02}"


def entry(code: str, sandbox: str) -> str:
    return f"""[[partners]]
code = "{code}"
kind = "carrier"
name = {{ zh = "虚拟{code[-2:]}", en = "Virtual {code[-2:]}" }}
short_name = "虚拟运营商"
base_url = "{sandbox}/partners/{code}"
allow_private = true
key_id = "{code}"
batch_size = 100
connect_s = 3
read_s = 10
total_s = 15
retry_s = [2, 10, 30, 120, 300, 900, 1800]
prefixes = ["{prefix_of(code)}"]

"""


def document(sandbox: str = "{sandbox}") -> str:
    """The default catalogue with 39 carriers more."""
    text = default_document()
    for prefix, network in OWN_SEGMENTS.values():
        assert f'"{prefix}"' in text.partition(f'code = "{network}"')[2]
        text = text.replace(f'"{prefix}", ', "").replace(f', "{prefix}"', "")
    head, links = text.split("[[links]]", 1)
    return head + "".join(entry(code, sandbox) for code in OPERATORS) + "[[links]]" + links


CATALOGUE: Catalogue = load_catalogue(document())


@pytest.fixture
def ground(ground: Ground) -> Ground:
    """A Ground to which 39 carriers have been added while it ran."""
    sandbox = ground.catalogues.current().addresses["sandbox"]
    wide = document().replace('sandbox = "http://127.0.0.1:8001"', f'sandbox = "{sandbox}"')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, wide, "39 virtual operators", "test", ground.clock.now())
        for code in OPERATORS:
            ground.secrets.set(db, f"{code}.key", f"a-secret-agreed-with-{code}", ground.clock.now())
    return ground


def test_each_is_asked_first_about_its_own_numbers_and_the_networks_about_the_rest() -> None:
    assert len(CATALOGUE.carriers()) == 43
    for code in OPERATORS:
        number = f"{prefix_of(code)}00000000"[:11]
        assert CATALOGUE.carrier_order(number)[0].code == code
    rest = {"17009000000": "mvno-00", "17051000000": "mvno-01", "16299999999": "mvno-02", "17099999999": "china-unicom"}
    rest |= {"16599999999": "china-mobile", "16799999999": "china-unicom", "17199999999": "china-unicom"}
    assert {number: CATALOGUE.carrier_order(number)[0].code for number in rest} == rest


def test_its_match_is_as_good_as_any(ground: Ground, partners: Partners) -> None:
    accepted = accept(ground, "17051234567")
    work(ground)
    assert [code for code, asked in partners.calls if asked["kind"] == "identity"] == ["mvno-01"]
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_a_number_that_is_nobodys_is_asked_about_at_all_43_once(ground: Ground, partners: Partners) -> None:
    everybody = [carrier.code for carrier in ground.catalogues.current().carriers()]
    for code in everybody:
        partners.plays[code] = verdict("not_ours")
    accepted = accept(ground, "17051234567")
    while waiting := waited_for(ground):
        for carrier in waiting:
            gather(ground, carrier)
        advance(ground)
    asked = [code for code, _ in partners.calls]
    assert asked[0] == "mvno-01"
    assert sorted(asked) == sorted(everybody)
    assert one(ground, accepted).outcome == Outcome.UNSUCCESSFUL


def cards_of(partners: Partners, ground: Ground, **counts: int) -> str:
    for code in OPERATORS:
        own = counts.get(code.replace("-", "_"), 0)
        play = lambda item, asked, code=code, own=own: {"counts": {code: own}}  # noqa: E731
        partners.plays.setdefault(code, play)
    accepted = accept(ground, service=PHONE_CARDS)
    work(ground)
    return replies(ground)[accepted.reference].text


def test_their_cards_are_reported_as_one_sum(ground: Ground, partners: Partners) -> None:
    text = cards_of(partners, ground, mvno_03=2, mvno_38=1)
    assert "，虚拟运营商3张。" in text
    assert text.partition("。如有疑问")[0].count("虚拟") == 1
    assert len(text) <= 134


@pytest.mark.parametrize(
    ("silent", "expected"), [(OPERATORS[3:6], "虚拟运营商中3家暂未反馈"), (OPERATORS, "。虚拟运营商暂未反馈")]
)
def test_the_silent_among_them_are_counted_not_listed(
    ground: Ground, partners: Partners, silent: list[str], expected: str
) -> None:
    for code in silent:
        partners.plays[code] = lambda item, asked: {"error": "refused"}
    assert expected in cards_of(partners, ground, mvno_38=1)
