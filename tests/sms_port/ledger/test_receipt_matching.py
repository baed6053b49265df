"""Receipts find their message, or nobody's: M rows of the collection (jsmpp#63, mokai#15, node-cmpp-3#1 ...), variants.

Played on the ledger itself, on both databases: the link's part is in the tests of its frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select

from config.db.engine import reading
from config.errors import DatabaseUnavailable
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger import doubts, receipt_matching
from sms_port.ledger.messages import RESEND_AFTER_MS, SILENT_MS, Owed, sweep
from sms_port.ledger.receipts import Clues, Receipt, record_receipts
from sms_port.links.link import Accepted, SendResult, Unknown
from sms_port.message_reference import UNNAMED, extension_of, normalise_id, unnamed_receipt
from sms_port.models import Lane, ReceiptStatus, State, message, part, receipt, unmatched
from sms_port.sending.claims import Claimed, claim
from sms_port.sending.results import Results, record
from sms_port.sending.routing import Cooldown, routes_for
from tests.sms_port.cmpp_peers import LONG
from tests.sms_port.messages import MINUTE_MS, PHONE, News, make_code, make_reply, owe_all, rows, state_of

OTHER = "13922222222"
D, F = ReceiptStatus.DELIVERED, ReceiptStatus.FAILED
DAY_MS = 86_400_000


def offer(ground: Ground, news: News, *owed: Owed) -> list[Claimed]:
    """Owe and claim messages; in the order given."""
    owe_all(ground, *owed)
    found: list[Claimed] = []
    for lane in Lane:
        routes = routes_for(ground.catalogues.current(), lane, Cooldown(), ground.clock.now())
        found += claim(ground, news, lane, routes, 500)
    ids = [one.id for one in owed]
    ours = [claimed for claimed in found if claimed.attempt.message_id in ids]
    return sorted(ours, key=lambda claimed: ids.index(claimed.attempt.message_id))


def end(ground: Ground, news: News, claimed: Claimed, result: SendResult) -> None:
    record(ground, news, [claimed.attempt], {claimed.attempt.reference: result}, asked=False)


def put_in_doubt(ground: Ground, news: News, *owed: Owed) -> None:
    for claimed in offer(ground, news, *owed):
        end(ground, news, claimed, Unknown("no_answer"))


def accept(ground: Ground, news: News, owed: Owed, *ids: str) -> None:
    (claimed,) = offer(ground, news, owed)
    end(ground, news, claimed, Accepted(ids=ids))


def report(
    ground: Ground,
    news: News,
    name: str,
    phone: str = PHONE,
    status: ReceiptStatus = D,
    *,
    extension: str = "",
    at: int | None = None,
    others: Sequence[str] = (),
) -> None:
    """A receipt as a link gives it, with the minute of submission unless `at` says otherwise."""
    minute = ground.clock.now() // MINUTE_MS * MINUTE_MS if at is None else at
    clues = Clues(phone, extension, minute, tuple(others))
    code = "DELIVRD" if status is D else "UNDELIV"
    record_receipts(ground, news, [Receipt("main", name, 1, status, code, minute, clues)])


def states(ground: Ground, *owed: Owed) -> list[str]:
    return [state_of(ground, one).name for one in owed]


@pytest.mark.parametrize("when", ["before the answer", "between the answer and its record", "after"])
def test_a_receipt_of_one_message_never_settles_another_in_doubt(ground: Ground, news: News, when: str) -> None:
    """M01: A in doubt, code B to the same number; B's receipt comes before B's id is known."""
    a, b = make_reply(), make_code(ground)
    put_in_doubt(ground, news, a)
    (claimed,) = offer(ground, news, b)
    if when == "after":
        end(ground, news, claimed, Accepted(ids=("b1",)))
    report(ground, news, "b1")
    sweep(ground, news)
    assert states(ground, a)[0] == "UNKNOWN"
    if when != "after":
        end(ground, news, claimed, Accepted(ids=("b1",)))
    sweep(ground, news)
    assert states(ground, a, b) == ["UNKNOWN", "DELIVERED"]


def test_an_early_receipt_counts_as_soon_as_its_part_has_the_id(ground: Ground, news: News) -> None:
    a = make_reply()
    (claimed,) = offer(ground, news, a)
    report(ground, news, "a1")
    assert states(ground, a) == ["SENDING"]
    end(ground, news, claimed, Accepted(ids=("a1",)))
    assert states(ground, a) == ["DELIVERED"]
    assert rows(ground, unmatched) == []


@pytest.mark.parametrize(
    ("phone", "extension", "expected"),
    [
        pytest.param(OTHER, "right", "UNKNOWN", id="M03 the right four digits, another number"),
        pytest.param(PHONE, "right", "DELIVERED", id="M04 the right four digits and number"),
        pytest.param(PHONE, "", "DELIVERED", id="M05 extension not returned"),
        pytest.param(PHONE, "wrong", "UNKNOWN", id="variant: another extension to the number"),
        pytest.param("", "right", "UNKNOWN", id="variant: no number"),
        pytest.param(OTHER, "", "UNKNOWN", id="variant: another number"),
    ],
)
def test_the_extension_counts_besides_the_number(
    ground: Ground, news: News, phone: str, extension: str, expected: str
) -> None:
    a = make_reply()
    put_in_doubt(ground, news, a)
    right = extension_of(a.id, 4)
    wrong = f"{(int(right) + 1) % 10_000:04}"
    report(ground, news, "x1", phone, extension={"right": right, "wrong": wrong}.get(extension, ""))
    sweep(ground, news)
    assert states(ground, a) == [expected]


@pytest.mark.parametrize("apart_ms", [10 * MINUTE_MS, -10 * MINUTE_MS])
def test_another_minute_is_another_message(ground: Ground, news: News, apart_ms: int) -> None:
    a = make_reply()
    put_in_doubt(ground, news, a)
    report(ground, news, "x1", at=ground.clock.now() + apart_ms)
    sweep(ground, news)
    assert states(ground, a) == ["UNKNOWN"]


@pytest.mark.parametrize("status", [D, F])
@pytest.mark.parametrize("days", [3, 5, 40])
def test_an_id_that_comes_again_brings_no_old_receipt(
    ground: Ground, news: News, clock: FixedClock, status: ReceiptStatus, days: int
) -> None:
    """M07, Restcomm-Connect#2961, smscgateway#256: gateways count from 1 after a restart."""
    a, b = make_reply(), make_reply()
    accept(ground, news, a, "m1")
    report(ground, news, "m1", status=status)
    clock.advance(days * DAY_MS)
    sweep(ground, news)
    accept(ground, news, b, "m1")
    sweep(ground, news)
    assert states(ground, b) == ["ACCEPTED"]
    report(ground, news, "m1")
    assert states(ground, b) == ["DELIVERED"]


def test_an_old_receipt_that_nobody_knew_settles_nothing_new(ground: Ground, news: News, clock: FixedClock) -> None:
    """M07 variant: the receipt came before the message with this id was sent."""
    report(ground, news, "m1")
    clock.advance(MINUTE_MS)
    b = make_reply()
    accept(ground, news, b, "m1")
    sweep(ground, news)
    assert states(ground, b) == ["ACCEPTED"]


def test_receipts_and_ids_are_deleted_after_a_month(ground: Ground, news: News, clock: FixedClock) -> None:
    accept(ground, news, make_reply(), "m1")
    report(ground, news, "m1")
    clock.advance(31 * DAY_MS)
    sweep(ground, news)
    assert rows(ground, receipt) == rows(ground, part) == []


def test_one_id_for_every_message_is_told_apart_by_the_number(ground: Ground, news: News) -> None:
    """Debian's Net::SMPP, yedamao's mock: the same id for all."""
    a, b, c = make_reply(), make_reply(OTHER), make_reply("13733333333")
    for owed in (a, b, c):
        accept(ground, news, owed, "1")
    report(ground, news, "1", OTHER)
    report(ground, news, "1", "13733333333", F)
    assert states(ground, a, b, c) == ["ACCEPTED", "DELIVERED", "UNDELIVERED"]


def test_without_ids_the_number_tells(ground: Ground, news: News) -> None:
    """M08: Msg_Id 0 in answers and in reports."""
    a, b = make_reply(), make_reply(OTHER)
    accept(ground, news, a, UNNAMED)
    accept(ground, news, b, UNNAMED)
    report(ground, news, UNNAMED)
    assert states(ground, a, b) == ["DELIVERED", "ACCEPTED"]


@pytest.mark.parametrize(("reports", "expected"), [(3, "DELIVERED"), (2, "ACCEPTED")])
def test_parts_without_ids_are_delivered_when_each_is(ground: Ground, news: News, reports: int, expected: str) -> None:
    """M09: three parts, Msg_Id 0 for all."""
    a = make_reply(text=LONG + "长" * 67)
    accept(ground, news, a, UNNAMED, UNNAMED, UNNAMED)
    for _ in range(reports):
        report(ground, news, UNNAMED)
    assert states(ground, a) == [expected]


def test_ids_in_receipts_alone_find_a_part_without_one(ground: Ground, news: News) -> None:
    a, b = make_reply(), make_reply(OTHER)
    accept(ground, news, a, UNNAMED)
    accept(ground, news, b, UNNAMED)
    report(ground, news, "x7")
    assert states(ground, a, b) == ["DELIVERED", "ACCEPTED"]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        pytest.param([D, D], ["DELIVERED", "DELIVERED"], id="M10 two doubts, two receipts, node-cmpp-3#1"),
        pytest.param([F, F], ["UNDELIVERED", "UNDELIVERED"], id="variant: both failed"),
        pytest.param([D, F], ["ACCEPTED", "ACCEPTED"], id="variant: which one arrived nobody can tell"),
        pytest.param([D], ["UNKNOWN", "UNKNOWN"], id="variant: one receipt settles neither"),
        pytest.param([D, D, D], ["UNKNOWN", "UNKNOWN"], id="variant: one of three is of another system"),
    ],
)
def test_two_doubts_to_one_number(
    ground: Ground, news: News, clock: FixedClock, statuses: list[ReceiptStatus], expected: list[str]
) -> None:
    a, b = make_reply(), make_reply()
    put_in_doubt(ground, news, a, b)
    for number, status in enumerate(statuses):
        report(ground, news, f"x{number}", status=status)
    sweep(ground, news)
    assert states(ground, a, b) == expected
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    again = "DUE" if expected[0] == "UNKNOWN" else expected[0]
    assert states(ground, a, b) == [again, again] if again == "DUE" else expected


def test_the_part_whose_answer_was_lost_is_found(ground: Ground, news: News) -> None:
    """M11, php8-smpp#15: three parts, the second answer lost, three receipts."""
    a = make_reply(text=LONG + "长" * 67)
    (claimed,) = offer(ground, news, a)
    end(ground, news, claimed, Unknown("no_answer", ("p1", "", "p3")))
    for name in ("p1", "p2", "p3"):
        report(ground, news, name)
    sweep(ground, news)
    assert states(ground, a) == ["DELIVERED"]


def test_foreign_receipts_crowd_out_nobody(ground: Ground, news: News) -> None:
    """M12, jasmin#586, #916: 600 receipts that nobody knows, then 16 of ours."""
    minute = ground.clock.now() // MINUTE_MS * MINUTE_MS
    foreign = [Receipt("main", f"f{n}", 1, D, "DELIVRD", minute, Clues(f"131{n:08d}", "", minute)) for n in range(600)]
    record_receipts(ground, news, foreign)
    ours = [make_reply(f"138{n:08d}") for n in range(16)]
    put_in_doubt(ground, news, *ours)
    for number, owed in enumerate(ours):
        report(ground, news, f"o{number}", owed.phone)
    sweep(ground, news)
    assert set(states(ground, *ours)) == {"DELIVERED"}


def test_a_second_receipt_of_a_delivered_message_settles_nobody_else(ground: Ground, news: News) -> None:
    a, b = make_reply(), make_reply()
    accept(ground, news, a, "m1")
    report(ground, news, "m1")
    put_in_doubt(ground, news, b)
    report(ground, news, "m1")
    sweep(ground, news)
    assert states(ground, a, b) == ["DELIVERED", "UNKNOWN"]


def test_a_match_by_number_is_taken_back_when_the_answer_names_another(ground: Ground, news: News) -> None:
    a = make_reply()
    (claimed,) = offer(ground, news, a)
    end(ground, news, claimed, Unknown("no_answer"))
    report(ground, news, "foreign")
    sweep(ground, news)
    assert states(ground, a) == ["DELIVERED"]
    end(ground, news, claimed, Accepted(ids=("a1",)))
    assert states(ground, a) == ["ACCEPTED"]
    report(ground, news, "a1", status=F)
    assert states(ground, a) == ["UNDELIVERED"]
    assert news.kinds == ["accepted"]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        pytest.param("812FC7470000001B", "9308878062554710043", id="S01 jasmin#586"),
        pytest.param("0870928761", "33E95179", id="S02 mokai#8"),
        pytest.param("sar-1eedf843-2-1", "SAR-1EEDF843-2-1", id="S03 jasmin#418"),
        pytest.param("0e999f21-81ef", "E999F21-81EF", id="S04 jasmin#643"),
        pytest.param("73521", "0000073521", id="S05 MavoCz#4"),
    ],
)
def test_an_id_is_found_in_the_spelling_of_the_receipt(ground: Ground, news: News, answer: str, name: str) -> None:
    a, b = make_reply(), make_reply(OTHER)
    accept(ground, news, a, normalise_id(answer))
    accept(ground, news, b, "fff9")
    report(ground, news, normalise_id(name))
    assert states(ground, a, b) == ["DELIVERED", "ACCEPTED"]


def test_ids_counted_in_hexadecimal_and_reported_in_decimal(ground: Ground, news: News) -> None:
    """A Java simulator: 17 answers in hexadecimal, 17 receipts in decimal, of which 10 to 17 are ambiguous."""
    ours = [make_reply(f"138{n:08d}") for n in range(1, 18)]
    for number, owed in enumerate(ours, 1):
        accept(ground, news, owed, f"{number:x}")
    for number, owed in enumerate(ours, 1):
        report(ground, news, str(number), owed.phone, F if number % 2 else D)
    assert states(ground, *ours) == ["UNDELIVERED" if n % 2 else "DELIVERED" for n in range(1, 18)]


def test_the_id_in_the_text_counts_where_the_parameters_is_foreign(ground: Ground, news: News) -> None:
    a = make_reply()
    accept(ground, news, a, "abc")
    report(ground, news, "xyz", others=["abc"])
    assert states(ground, a) == ["DELIVERED"]


def test_a_receipt_without_a_mobile_number_is_matched_by_its_id(ground: Ground, news: News) -> None:
    a = make_reply()
    accept(ground, news, a, "m1")
    report(ground, news, "m1", "10699000")
    assert states(ground, a) == ["DELIVERED"]


def test_a_receipt_to_another_number_under_the_same_id_settles_nothing(ground: Ground, news: News) -> None:
    a = make_reply()
    accept(ground, news, a, "m1")
    report(ground, news, "m1", OTHER)
    assert states(ground, a) == ["ACCEPTED"]


@pytest.mark.parametrize(("hours", "expected"), [(71, "DELIVERED"), (73, "EXPIRED")])
def test_a_receipt_counts_for_72_hours(
    ground: Ground, news: News, clock: FixedClock, hours: int, expected: str
) -> None:
    """F07, F08."""
    a = make_reply()
    sent_at = clock.now()
    accept(ground, news, a, "m1")
    clock.advance(hours * 3_600_000)
    sweep(ground, news)
    report(ground, news, "m1", at=sent_at)
    assert states(ground, a) == [expected]
    assert SILENT_MS == 72 * 3_600_000


def test_results_that_come_while_the_database_is_away_are_recorded_when_it_is_back(
    ground: Ground, news: News, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: eight good answers while the database refuses."""
    ours = [make_reply(f"138{n:08d}") for n in range(8)]
    claims = offer(ground, news, *ours)
    results = Results(ground, news)

    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr("sms_port.sending.results.record", away)
        for number, claimed in enumerate(claims):
            found = {claimed.attempt.reference: Accepted(ids=(f"m{number}",))}
            results.record([claimed.attempt], found, asked=False)
            doubtful = {claimed.attempt.reference: Unknown("no_answer")}
            results.record([claimed.attempt], doubtful, asked=False)
        results.retry()
    assert set(states(ground, *ours)) == {"SENDING"}
    clock.advance(10 * MINUTE_MS)
    sweep(ground, news)
    assert set(states(ground, *ours)) == {"UNKNOWN"}
    results.retry()
    assert set(states(ground, *ours)) == {"ACCEPTED"}
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    with reading(ground.engine) as db:
        assert set(db.scalars(select(message.c.sending))) == {1}, "nothing is sent again"


@pytest.mark.parametrize("order", [(D, F), (F, D), (D, F, D)])
def test_contradictory_receipts_before_the_answer_are_both_kept(
    ground: Ground, news: News, order: Sequence[ReceiptStatus]
) -> None:
    """The second one took the place of the first, and a delivered message was called undelivered."""
    owed = make_reply()
    (claimed,) = offer(ground, news, owed)
    for status in order:
        report(ground, news, "77", status=status)
    end(ground, news, claimed, Accepted(ids=("77",)))
    assert state_of(ground, owed) is State.DELIVERED
    assert rows(ground, unmatched) == []


def test_contradictory_receipts_of_a_doubt_are_those_of_one_part(ground: Ground, news: News) -> None:
    owed = make_reply()
    (claimed,) = offer(ground, news, owed)
    report(ground, news, "77")
    report(ground, news, "77", status=F)
    end(ground, news, claimed, Unknown("no_answer"))
    sweep(ground, news)
    assert state_of(ground, owed) is State.DELIVERED
    assert rows(ground, unmatched) == []


@pytest.mark.parametrize("order", [("p3", "p2", "p1"), ("p1", "p3", "p2"), ("p1", "p2", "p3")])
def test_receipts_of_a_doubt_go_to_the_parts_that_the_late_answer_names(
    ground: Ground, news: News, order: Sequence[str]
) -> None:
    """Three parts in doubt, a receipt for each, then the answers: the receipts were lost where the order differed."""
    a = make_reply(text=LONG + "长" * 67)
    (claimed,) = offer(ground, news, a)
    end(ground, news, claimed, Unknown("no_answer"))
    for name in ("p1", "p2"):
        report(ground, news, name)
    report(ground, news, "p3", status=F)
    report(ground, news, "p3")
    sweep(ground, news)
    assert states(ground, a) == ["DELIVERED"]
    end(ground, news, claimed, Accepted(ids=tuple(order)))
    assert states(ground, a) == ["DELIVERED"]
    assert rows(ground, unmatched) == []


@pytest.mark.parametrize("names", [("x1", "x2"), ("x2", "x1")])
def test_a_receipt_that_is_taken_back_finds_the_message_that_it_is_about(
    ground: Ground, news: News, names: Sequence[str]
) -> None:
    """Variant: two doubts to one number, whose answers come late and may name the parts the other way round."""
    a, b = make_reply(), make_reply()
    claims = offer(ground, news, a, b)
    for claimed in claims:
        end(ground, news, claimed, Unknown("no_answer"))
    report(ground, news, "x1")
    report(ground, news, "x2")
    sweep(ground, news)
    for claimed, name in zip(claims, names, strict=True):
        end(ground, news, claimed, Accepted(ids=(name,)))
    sweep(ground, news)
    assert states(ground, a, b) == ["DELIVERED", "DELIVERED"]
    assert rows(ground, unmatched) == []


def test_an_answer_while_the_sweep_matches_is_not_overruled(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer names another part while the sweep holds a foreign receipt for the message's."""
    a = make_reply()
    (claimed,) = offer(ground, news, a)
    end(ground, news, claimed, Unknown("no_answer"))
    report(ground, news, "foreign")
    real = doubts._still_in_doubt

    def answered_first(db: Connection, bound: object) -> object:
        if db.dialect.name != "sqlite":  # which has one writer at a time
            end(ground, news, claimed, Accepted(ids=("a1",)))
        return real(db, bound)  # type: ignore[arg-type]

    monkeypatch.setattr(doubts, "_still_in_doubt", answered_first)
    sweep(ground, news)
    end(ground, news, claimed, Accepted(ids=("a1",)))
    assert states(ground, a) == ["ACCEPTED"]
    assert {row.reference for row in rows(ground, unmatched)} == {"foreign"}


def test_a_receipt_that_comes_while_another_finds_its_part_is_kept(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting the receipts that had found their part deleted what had come for it since they were read."""
    a = make_reply()
    (claimed,) = offer(ground, news, a)
    report(ground, news, "77", status=F)
    real, late = receipt_matching.forget_unmatched, list[list[receipt_matching.Clue]]()

    def while_another_comes(db: Connection, link: str, clues: Sequence[receipt_matching.Clue]) -> None:
        if not late:
            late.append([replace(clue, status=D) for clue in clues])
            receipt_matching.keep_unmatched(db, link, late[0])
        real(db, link, clues)

    monkeypatch.setattr(receipt_matching, "forget_unmatched", while_another_comes)
    end(ground, news, claimed, Accepted(ids=("77",)))
    assert [row.status for row in rows(ground, unmatched)] == [D]


@pytest.mark.parametrize("known", ["before the answer", "after the answer"])
@pytest.mark.parametrize("together", [True, False])
def test_receipts_without_ids_are_as_many_as_came(ground: Ground, news: News, known: str, together: bool) -> None:
    """M09 in one segment, and before the answers: three equal receipts counted as one."""
    a = make_reply(text=LONG + "长" * 67)
    (claimed,) = offer(ground, news, a)
    minute = ground.clock.now() // MINUTE_MS * MINUTE_MS
    clues = Clues(PHONE, "", minute)
    three = [Receipt("main", unnamed_receipt(""), 1, D, "DELIVRD", minute, clues) for _ in range(3)]
    if known == "after the answer":
        end(ground, news, claimed, Accepted(ids=(UNNAMED,) * 3))
    for some in [three] if together else [[one] for one in three]:
        record_receipts(ground, news, some)
    if known == "before the answer":
        assert len(rows(ground, unmatched)) == 3
        end(ground, news, claimed, Accepted(ids=(UNNAMED,) * 3))
    assert states(ground, a) == ["DELIVERED"]
    assert rows(ground, unmatched) == []


def test_two_doubts_and_two_receipts_without_ids(ground: Ground, news: News) -> None:
    """M10 with Msg_Id 0: both receipts were kept under one name."""
    a, b = make_reply(), make_reply()
    put_in_doubt(ground, news, a, b)
    for name in ("d1", "d2", "d2"):  # the last one again, before it was acknowledged
        report(ground, news, unnamed_receipt(name))
    sweep(ground, news)
    assert states(ground, a, b) == ["DELIVERED", "DELIVERED"]


def test_an_early_receipt_without_an_id_survives_the_process(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the ids and the look for receipts that were there before: the sweep finds them."""
    a = make_reply()
    (claimed,) = offer(ground, news, a)
    report(ground, news, unnamed_receipt("d1"))
    with monkeypatch.context() as patch:
        patch.setattr("sms_port.sending.results.apply_early", lambda *_: None)
        end(ground, news, claimed, Accepted(ids=(UNNAMED,)))
    assert states(ground, a) == ["ACCEPTED"]
    sweep(ground, news)
    assert states(ground, a) == ["DELIVERED"]


def test_a_process_that_dies_while_it_matches_leaves_nothing_half_matched(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Matched and not settled, a message stayed in doubt for good, and was sent again."""
    a = make_reply()
    put_in_doubt(ground, news, a)
    report(ground, news, "x1")

    def die(*_: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("sms_port.ledger.messages.settle_receipts", die)
        sweep(ground, news)
    sweep(ground, news)
    assert states(ground, a) == ["DELIVERED"]


def test_receipts_that_differ_in_their_status_alone_are_both_kept(ground: Ground, news: News) -> None:
    """By our reference, over a link that gives no codes: the later one took the place of the earlier."""
    a = make_reply()
    (claimed,) = offer(ground, news, a)
    end(ground, news, claimed, Unknown("no_answer"))
    for status in (D, F):
        record_receipts(ground, news, [Receipt("main", claimed.attempt.reference, 1, status, "0", 0)])
    assert {row.status for row in rows(ground, receipt)} == {D, F}
    assert states(ground, a) == ["DELIVERED"]


@pytest.mark.parametrize(
    ("later", "state"), [((D,), State.DELIVERED), ((F, D), State.DELIVERED), ((F,), State.UNDELIVERED)]
)
def test_a_receipt_of_the_delivery_corrects_one_of_the_failure(
    ground: Ground, news: News, later: Sequence[ReceiptStatus], state: State
) -> None:
    """sms fault C19: which of the two came first decided; the message has arrived in either order."""
    owed = make_reply()
    accept(ground, news, owed, "77")
    report(ground, news, "77", status=F)
    assert state_of(ground, owed) is State.UNDELIVERED
    for status in later:
        report(ground, news, "77", status=status)
    assert state_of(ground, owed) is state
    assert news.kinds == ["accepted"]


def test_a_failed_part_is_not_corrected_by_a_receipt_of_another_day(
    ground: Ground, news: News, clock: FixedClock
) -> None:
    """A gateway that counts from 1 again gives the id to another message of the same number."""
    owed = make_reply()
    accept(ground, news, owed, "77")
    report(ground, news, "77", status=F)
    clock.advance(DAY_MS)
    report(ground, news, "77")
    assert state_of(ground, owed) is State.UNDELIVERED
