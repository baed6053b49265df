"""The pictures of what follows a count: the choice of a wish, and the form of an objection."""

from __future__ import annotations

from tests.browser.album import Album


def after_the_count(album: Album) -> None:
    """The pages of an objection that need nobody, in each dress."""
    album.take_in_all_looks("20-objection-choose", "/objections")
    album.take_in_all_looks("20-objection-form", "/objections?wish=dispute")
