"""The client's address as proxies write it: RFC 7239, X-Forwarded-For and what gateways make of them (pure)."""

from __future__ import annotations

import ipaddress
import re

_ITEM = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PAIR = re.compile(r'(?i:(?:^|;)\s*for\s*=\s*)("(?:[^"\\]|\\.)*"|[^;]*)')
_PORT = r"(?::(?:[0-9]{0,5}|_[A-Za-z0-9._-]+))?"
_BRACKETED = re.compile(rf"\[([^\[\]]+)\]{_PORT}")
_WHOLE_V6, _DOTTED = r"(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}", r"[0-9A-Fa-f:]*[0-9]+(?:\.[0-9]+){3}"
_WITH_PORT = re.compile(rf"({_WHOLE_V6}|{_DOTTED}){_PORT}")
"""Also a whole IPv6 address without brackets: what comes behind its eight groups, or its IPv4 part, is a port."""
_OBFUSCATED = re.compile(rf"(_[A-Za-z0-9._-]{{1,64}}){_PORT}")


def pick_node(header: str, hops: int) -> str | None:
    """The node that `hops` trusted proxies say the request came from: the last but hops - 1 of the header's items.

    None when the header names fewer nodes than there are proxies.
    """
    items = [item.strip() for item in _ITEM.findall(header) if item.strip()]
    return items[-hops] if len(items) >= hops else None


def parse_node(written: str) -> str | None:
    """The IP address that a proxy wrote, without port, brackets, quotes, zone and `for=`; None when it names none.

    An obfuscated identifier (`_hidden`, RFC 7239 6.3) is given back as it is: it tells one client from another.
    """
    text = _unquote(written.strip())
    if (pair := _PAIR.search(text)) is not None:
        text = _unquote(pair[1].strip())
    if (hidden := _OBFUSCATED.fullmatch(text)) is not None:
        return hidden[1]
    found = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found[1] if found else text).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
