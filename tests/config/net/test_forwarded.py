"""The client's address in every spelling that proxies write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.net.forwarded import parse_node, pick_node

V4, V6 = "198.51.100.7", "2001:db8:1:2:3:4:5:6"

SPELLINGS = [
    ("198.51.100.7", V4),
    (" 198.51.100.7\t", V4),
    ("198.51.100.7:4711", V4),  # Azure Application Gateway, IIS ARR
    ('"198.51.100.7:4711"', V4),
    ("[198.51.100.7]:80", V4),
    ("198.51.100.7:_port", V4),
    (V6, V6),
    (f"[{V6}]", V6),
    (f"[{V6}]:443", V6),
    (f'"[{V6}]:443"', V6),
    (f'"[{V6}]"', V6),
    (f"[{V6}%eth0]:443", V6),
    (f"{V6}%25eth0", V6),
    ("2001:DB8:1:2:3:4:5:6", V6),
    ("::ffff:198.51.100.7", V4),
    ("[::ffff:198.51.100.7]:8080", V4),
    ("for=198.51.100.7", V4),
    ("For=198.51.100.7;proto=https;by=203.0.113.43", V4),
    ("proto=https; for=198.51.100.7:4711", V4),
    (f'for="[{V6}]:4711"', V6),
    (f'by=203.0.113.43;FOR="[{V6}]"', V6),
    ('for="198\\.51.100.7"', V4),
    ("for=_hidden", "_hidden"),
    ("_SEVKISEK", "_SEVKISEK"),
    ("_hidden:80", "_hidden"),  # RFC 7239 6: a port may stand behind every kind of name
    ("for=_SEVKISEK:_port", "_SEVKISEK"),
    ("198.51.100.7:", V4),
    ("::ffff:198.51.100.7:80", V4),
    (f"{V6}:443", V6),  # CloudFront-Viewer-Address: no brackets, and the port is the ninth group
    ("[fe80::1%vEthernet (Adapter - Virtual Switch)]:64692", "fe80::1"),  # vulcand/oxy #71
    ("2a02:918:175:ab60:45ee:c12c:dac1:808b", "2a02:918:175:ab60:45ee:c12c:dac1:808b"),  # spring-framework #26748
    (f"for={V6}", V6),  # lpinca/forwarded-parse #7: neither quoted nor in brackets
    ("unknown:80", None),
    ("unknown", None),
    ("for=unknown", None),
    ("", None),
    ("-", None),
    ("by=203.0.113.43", None),
    ("client.example", None),
    ("198.51.100", None),
    ("198.51.100.7:port", None),
    ("198.51.100.7 203.0.113.1", None),
    ("198.051.100.07", None),
    ("999.1.1.1", None),
    ("_" + "a" * 65, None),
]


@pytest.mark.parametrize(("written", "address"), SPELLINGS)
def test_a_node_is_read_in_every_spelling(written: str, address: str | None) -> None:
    """door fault F4 and security.md S16; RFC 7239 section 6, and own variants."""
    assert parse_node(written) == address


@pytest.mark.parametrize(
    ("header", "hops", "node"),
    [
        ("203.0.113.9, 198.51.100.7", 1, "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", 2, "203.0.113.9"),
        ("203.0.113.9,,198.51.100.7:80 ,", 1, "198.51.100.7:80"),
        ('for="_a,b", for="[2001:db8::1]:80"', 1, 'for="[2001:db8::1]:80"'),
        ("198.51.100.7", 2, None),
        ("", 1, None),
    ],
)
def test_the_node_is_the_one_that_the_last_trusted_proxy_saw(header: str, hops: int, node: str | None) -> None:
    assert pick_node(header, hops) == node


@given(st.text(max_size=60), st.integers(1, 5))
def test_no_header_is_a_fault(header: str, hops: int) -> None:
    node = pick_node(header, hops)
    assert node is None or parse_node(node) != ""
