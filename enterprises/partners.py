"""Look up partners in the catalogue, and say in a word how one is."""

from config.catalogue.schema import Partner
from config.ground import Ground
from config.times.formats import shanghai
from config.times.opening_hours import opens_at
from enterprises.circuit_breaker import PartnerHealth
from enterprises.errors import PartnerUnknown


def find_partner(ground: Ground, code: str) -> Partner:
    """Return the partner of this code, switched on or off; PartnerUnknown when the catalogue has none."""
    found = ground.catalogues.current().partner(code)
    if found is None:
        raise PartnerUnknown()
    return found


def describe_state(partner: Partner, health: PartnerHealth, now: int) -> str:
    """Return a partner's state in a word or two, the most important first; `ok`: it is asked."""
    opens = opens_at(partner.closed, now)
    if not partner.enabled:
        return "off"
    if opens is not None:
        return f"closed until {shanghai(opens):%H:%M}"
    if health.breaker == "closed":
        return "ok"
    return f"breaker {health.breaker} ({health.last_error})" if health.last_error else f"breaker {health.breaker}"
