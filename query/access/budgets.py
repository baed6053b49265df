"""The budgets of each request by the class of its sender: who has an identity is served before who has none. Pure.

A sender with an openid was vouched for by a platform, and a new identity costs something; a session of the web page
costs nothing. So senders without one have shares only: of a number's codes, of an address's, of all codes a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from config.catalogue.limits import Limits
from config.catalogue.schema import Catalogue
from query.access.address_blocks import UNKNOWN, address_block, network_block
from query.access.limits import Budget
from query.access.sessions import Session

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


class EntranceClass(Enum):
    """The facts known of a sender: a platform's openid, an address, or neither."""

    OPENID = "openid"
    WEB = "web"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sender:
    """The sender of a request: a session, and the address it came from, as seen behind the trusted proxies."""

    session: Session
    address: str = field(repr=False)

    @property
    def block(self) -> str:
        """The address block that budgets are counted by."""
        return address_block(self.address)

    @property
    def entrance_class(self) -> EntranceClass:
        """The class whose budgets are spent."""
        if self.session.openid is not None:
            return EntranceClass.OPENID
        return EntranceClass.UNKNOWN if self.block == UNKNOWN else EntranceClass.WEB

    @property
    def identified(self) -> bool:
        """True when a platform vouches for the sender."""
        return self.entrance_class is EntranceClass.OPENID


def code_budgets(catalogue: Catalogue, sender: Sender, phone: str) -> list[Budget]:
    """Return the budgets of a verification code.

    A number's own budgets are quiet: whether somebody else asked for a code to it is told to nobody.
    """
    limits, person = catalogue.limits, sender.session.person
    allowed = limits.codes_per_phone_day if sender.identified else limits.codes_per_phone_day_web
    group = "identified" if sender.identified else "others"
    return [
        Budget("code_per_phone_gap", (phone, *person), 1, limits.code_per_phone_gap_s),
        Budget("codes_per_phone_day", (phone, *person), allowed, DAY_S),
        Budget("code_gap_of_number", (phone, group), 1, limits.code_per_phone_gap_s, quiet=True),
        Budget("codes_of_number", (phone,), limits.codes_per_phone_day, DAY_S, quiet=True),
        *_share_of_number(limits, sender, phone),
        Budget("codes_per_session_day", person, limits.codes_per_session_day, DAY_S),
        *_address_budgets(limits, sender),
        *overall_budgets(catalogue, sender),
    ]


def _share_of_number(limits: Limits, sender: Sender, phone: str) -> list[Budget]:
    if sender.identified:
        return []
    return [Budget("codes_of_number_web", (phone,), limits.codes_per_phone_day_web, DAY_S, quiet=True)]


def _address_budgets(limits: Limits, sender: Sender) -> list[Budget]:
    """Per address block, and for senders without identity per network too; an unknown address is nobody's."""
    if sender.block == UNKNOWN:
        return []
    if sender.identified:
        return [Budget("codes_per_address_hour", (sender.block,), limits.codes_per_address_hour, HOUR_S)]
    network = network_block(sender.address)
    return [
        Budget("codes_per_address_hour", (sender.block, "web"), limits.codes_per_address_hour_web, HOUR_S),
        Budget("codes_per_network_hour", (network, "web"), limits.codes_per_network_hour_web, HOUR_S),
    ]


def overall_budgets(catalogue: Catalogue, sender: Sender) -> list[Budget]:
    """Return the budgets of all codes a minute: never more than the links can send in one, and a share of it."""
    overall = codes_a_minute(catalogue)
    budgets = [Budget("codes_overall_minute", (), overall, MINUTE_S)]
    if not sender.identified:
        budgets.append(web_budget(catalogue))
    if sender.entrance_class is EntranceClass.UNKNOWN:
        share = max(web_budget(catalogue).allowed // 2, 1)
        budgets.append(Budget("codes_overall_minute", ("of unknown address",), share, MINUTE_S))
    return budgets


def web_budget(catalogue: Catalogue) -> Budget:
    """Return the share of all codes a minute for senders without identity; its load sets how hard the check is."""
    share = max(int(codes_a_minute(catalogue) * catalogue.limits.codes_web_share), 1)
    return Budget("codes_overall_minute", ("web",), share, MINUTE_S)


def codes_a_minute(catalogue: Catalogue) -> int:
    """Return how many codes a minute may be asked for: the catalogue's limit, or what its links can send."""
    return max(min(catalogue.limits.codes_overall_minute, int(catalogue.codes_per_second() * MINUTE_S)), 1)


def submission_budgets(limits: Limits, sender: Sender) -> list[Budget]:
    """Return the budgets of a submission."""
    budgets = [
        Budget("submissions_per_session_hour", sender.session.person, limits.submissions_per_session_hour, HOUR_S),
        Budget("submissions_overall_minute", (), limits.submissions_overall_minute, MINUTE_S),
    ]
    if sender.block != UNKNOWN:
        allowed = limits.submissions_per_address_hour
        budgets.append(Budget("submissions_per_address_hour", (sender.block,), allowed, HOUR_S))
    return budgets
