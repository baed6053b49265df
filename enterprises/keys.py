"""The secrets shared with a partner: one in use, and the next one while keys change."""

from config.catalogue.schema import Partner
from config.errors import SecretMissing
from config.ground import Ground


def signing_keys(ground: Ground, partner: Partner) -> list[tuple[str, str]]:
    """Return (key id, secret) pairs to sign with, the one in use first; SecretMissing when there is none.

    A partner that changes keys before or after us answers 401 to one and is asked with the other.
    """
    secrets = ground.secrets.both(f"{partner.code}.key")
    ids = [partner.key_id, partner.next_key_id or partner.key_id]
    return list(dict.fromkeys(zip(ids, secrets, strict=False)))


def accepted_keys(ground: Ground, partner: Partner) -> dict[str, list[str]]:
    """Return every secret, by key id, that this partner may sign with; empty when none was ever set."""
    try:
        secrets = ground.secrets.both(f"{partner.code}.key")
    except SecretMissing:
        return {}
    return {key_id: secrets for key_id in (partner.key_id, partner.next_key_id) if key_id}
