"""The front door as `app.py` joins it."""

from __future__ import annotations

from functools import partial

from config.ground import Ground
from miniprogram_api.logins import logins
from query.access.door import OnAccepted
from query.access.sessions import Session, open_session
from query.access.tickets import Ticket, build_ticket
from query.front_door import FrontDoor


def make_door(ground: Ground, on_accepted: OnAccepted = lambda entrance, openid, reference: None) -> FrontDoor:
    """Make a door whose mini programs' platforms are the catalogue's."""
    return FrontDoor(ground, partial(logins.log_in, ground), partial(logins.read_phone, ground), on_accepted)


def citizen_of(ground: Ground, openid: str, account: str = "gxwbwx") -> Session:
    """Open the session of somebody whom an official account vouches for."""
    ticket = build_ticket(ground.keys, Ticket(account, openid, ground.clock.now()))
    return open_session(ground, account, ticket)[2]
