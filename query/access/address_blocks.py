"""The blocks of addresses that budgets are counted by. Pure."""

from __future__ import annotations

import ipaddress

from config.net.forwarded import parse_node

UNKNOWN = "unknown"
"""The block of an address that is not known: no budget is counted for it, for its clients would share it."""


def address_block(address: str) -> str:
    """Return the block of addresses that one client may have: an IPv4 address, an IPv6 /64, or a proxy's name for it.

    A household is given a whole /64. UNKNOWN when it cannot be read: such clients have no budget by address.
    """
    return _block(address, 32, 64)


def network_block(address: str) -> str:
    """Return the network around an address block: an IPv4 /24 or an IPv6 /48, the least that somebody is rented."""
    return _block(address, 24, 48)


def _block(address: str, v4_bits: int, v6_bits: int) -> str:
    node = parse_node(address)
    if node is None or node.startswith("_"):
        return node or UNKNOWN
    parsed = ipaddress.ip_address(node)
    bits = v6_bits if parsed.version == 6 else v4_bits
    if bits == parsed.max_prefixlen:
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), parsed.max_prefixlen)).supernet(new_prefix=bits))
