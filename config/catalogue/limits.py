"""The budgets of the catalogue, and the check of senders whom nobody vouches for. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.catalogue.fields import Amount, StrictModel


class HumanCheck(StrictModel):
    """The check of sessions without an openid before a code is sent (query/access/human_check.py).

    `maxnumber`: the largest number to try while nothing is asked; `free_per_minute`: codes a minute that need no check.
    """

    kind: Literal["off", "altcha"] = "off"
    maxnumber: Annotated[int, Field(ge=1_000, le=10_000_000)] = 50_000
    free_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class Limits(StrictModel):
    """Budgets: how often something may be done. Those of addresses are wide, since a whole city shares a few.

    Names that end in `_web` are of sessions without an openid; `codes_web_share`: their part of all codes a minute.
    """

    code_per_phone_gap_s: Amount
    codes_per_phone_day: Amount
    codes_per_session_day: Amount
    codes_per_address_hour: Amount
    codes_overall_minute: Amount
    codes_per_phone_day_web: Amount = 3
    codes_per_address_hour_web: Amount = 2_000
    codes_per_network_hour_web: Amount = 6_000
    codes_web_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    submissions_per_session_hour: Amount
    submissions_per_address_hour: Amount
    submissions_overall_minute: Amount
    sessions_per_address_hour: Amount
    lookups_per_address_hour: Amount = 5
    verifications_per_address_hour: Amount = 5
    logins_per_openid_hour: Amount = 60
    login_failures_per_address_minute: Annotated[int, Field(ge=1, le=50)] = 30
    phone_numbers_per_session_day: Amount = 10


class NextDayNotice(StrictModel):
    """The SMS a day after an inquiry, by which a number's holder learns of it."""

    enabled: bool = True
