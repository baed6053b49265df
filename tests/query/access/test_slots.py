"""Slots: a bounded number at once and no more."""

from __future__ import annotations

from query.access.slots import Seats


def test_who_finds_no_seat_is_told_and_one_that_was_left_is_free() -> None:
    seats = Seats(2)
    with seats.take() as first, seats.take() as second:
        with seats.take() as third:
            assert (first, second, third) == (True, True, False)
        with seats.take() as still_none:
            assert not still_none
    with seats.take() as again:
        assert again


def test_a_place_has_seats_of_its_own() -> None:
    seats = Seats(1)
    with seats.take("here") as here, seats.take("there") as there:
        assert here and there


def test_a_seat_is_left_by_whoever_fails() -> None:
    seats = Seats(1)
    try:
        with seats.take():
            raise KeyError
    except KeyError:
        pass
    with seats.take() as again:
        assert again
