"""The catalogue's word on objections: days, calendar, and the companies that take a wish."""

from collections.abc import Sequence

from config.catalogue.schema import Application, Catalogue, Partner
from query.errors import ServiceUnknown
from query.objections.rules.objection import Wish
from query.objections.rules.working_days import Calendar, make_calendar


def days_for(catalogue: Catalogue, wish: Wish) -> int:
    """Working days that companies have. Raises ServiceUnknown where objections are not offered."""
    if catalogue.objections is None or not catalogue.objections.enabled:
        raise ServiceUnknown("objections are not offered")
    return catalogue.objections.unbind_days if wish is Wish.UNBIND else catalogue.objections.dispute_days


def calendar_of(catalogue: Catalogue) -> Calendar:
    """The calendar of working days."""
    return make_calendar(catalogue.calendar)


def listed_applications(catalogue: Catalogue) -> list[tuple[Partner, Application]]:
    """Every application of the enabled enterprises, with its company, in the catalogue's order."""
    return [(partner, one) for partner in catalogue.enterprises() for one in partner.applications]


def takes(partner: Partner, kind: str) -> bool:
    """Return whether a company takes requests of this kind; one that does not is reached through its guide."""
    return kind in partner.requests


def names_of(catalogue: Catalogue, codes: Sequence[str]) -> dict[str, str]:
    """code -> Chinese name, in the catalogue's order; a code that has left the catalogue names itself, at the end."""
    names = {one.code: one.name.zh for partner in catalogue.partners for one in partner.applications}
    known = {code: name for code, name in names.items() if code in codes}
    return {**known, **{code: code for code in codes if code not in known}}


def company_of(catalogue: Catalogue, code: str) -> Partner | None:
    """The company that an application belongs to, enabled or not; None when it has left the catalogue."""
    return next((one for one in catalogue.partners if any(app.code == code for app in one.applications)), None)
