"""The reserved number, which may be asked about without a citizen: docs/lookup-protocol.md, section 9."""

import secrets
from typing import Final

from enterprises.protocol import Item

# A carrier's service line that no citizen holds.
TEST_PHONE: Final = "13800138000"
TEST_ID_TAIL: Final = "000000"
TEST_NAME: Final = "测试"
# Sequence number 000 is never issued; the check digit is right, since a carrier may verify it.
TEST_ID_NUMBER: Final = "110101199003070003"


def reserved_item() -> Item:
    """Return an item about the reserved number, with a new id and every field that a question may need."""
    return Item(
        f"check-{secrets.token_hex(8)}",
        phone=TEST_PHONE,
        id_tail=TEST_ID_TAIL,
        name=TEST_NAME,
        id_number=TEST_ID_NUMBER,
    )
