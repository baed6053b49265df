"""The record of each side on the sandbox's index page: how often, whose number last, when, and nothing else."""

from __future__ import annotations

from config.sandbox.received import MOST_PHONES, Received, Seen


def test_a_side_counts_and_remembers_the_last_number() -> None:
    received = Received()
    assert received.of("jd") == Seen()
    received.note("jd", 1, "13800138000")
    received.note("jd", 2)
    received.note("jd", 3, "13900139000", times=2)
    assert received.of("jd") == Seen(4, "13900139000", 3)
    assert received.of("tencent") == Seen()


def test_the_latest_phones_come_first_and_memory_is_bounded() -> None:
    received = Received()
    for place in range(MOST_PHONES + 5):
        received.note_text(f"138{place:08}", place)
    received.note_text("13800000010", 99_999)
    latest = received.phones(2)
    assert latest == [Seen(2, "13800000010", 99_999), Seen(1, f"138{MOST_PHONES + 4:08}", MOST_PHONES + 4)]
    assert len(received.phones(MOST_PHONES * 2)) == MOST_PHONES
