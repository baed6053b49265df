"""The partners of the catalogue, by code."""

from config.catalogue.schema import Partner
from config.ground import Ground
from enterprises.errors import PartnerUnknown


def find_partner(ground: Ground, code: str) -> Partner:
    """The partner of this code, switched on or off; PartnerUnknown when the catalogue has none."""
    found = ground.catalogues.current().partner(code)
    if found is None:
        raise PartnerUnknown()
    return found
