"""Look up partners in the catalogue."""

from config.catalogue.schema import Partner
from config.ground import Ground
from enterprises.errors import PartnerUnknown


def find_partner(ground: Ground, code: str) -> Partner:
    """Return the partner of this code, switched on or off; PartnerUnknown when the catalogue has none."""
    found = ground.catalogues.current().partner(code)
    if found is None:
        raise PartnerUnknown()
    return found
