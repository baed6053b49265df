"""The front door as `app.py` joins it."""

from __future__ import annotations

from functools import partial

from config.ground import Ground
from miniprogram_api.logins import logins
from query.access.door import Door, OnAccepted


def make_door(ground: Ground, on_accepted: OnAccepted = lambda entrance, openid, reference: None) -> Door:
    """Make a door whose mini programs' platforms are the catalogue's."""
    return Door(ground, partial(logins.log_in, ground), partial(logins.read_phone, ground), on_accepted)
