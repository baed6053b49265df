"""Times as others read them."""

from config.times.formats import rfc3339, shanghai

LAUNCH = 1_795_327_500_000  # 2026-11-22 06:05 UTC


def test_a_time_is_written_in_utc_to_the_second_or_the_millisecond() -> None:
    assert rfc3339(LAUNCH + 7) == "2026-11-22T06:05:00Z"
    assert rfc3339(LAUNCH + 7, milliseconds=True) == "2026-11-22T06:05:00.007Z"


def test_citizens_read_the_time_of_shanghai() -> None:
    assert f"{shanghai(LAUNCH):%m-%d %H:%M}" == "11-22 14:05"
