"""The names that gateways know messages by."""

from __future__ import annotations

import pytest

from sms_port.message_reference import build_reference, parse_reference


@pytest.mark.parametrize("sending", [1, 2])
def test_a_reference_leads_back_to_its_message(sending: int) -> None:
    message_id = bytes(range(16))
    assert parse_reference(build_reference(message_id, sending)) == (message_id, sending)


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 32, "0" * 32 + "-3", "0" * 31 + "-1", "G" * 32 + "-1", "0" * 32 + "-1\n"]
)
def test_a_name_we_never_gave_is_not_ours(text: str) -> None:
    assert parse_reference(text) is None
