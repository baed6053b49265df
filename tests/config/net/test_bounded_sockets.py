"""Destinations of calls: no name, no spelling and no kept connection brings it to an address that is not public."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from config.errors import NotSentError
from config.net import bounded_sockets
from config.net.bounded_sockets import PrivateAddress, check_public
from config.net.http_client import HttpClient
from tests.support.servers import serve, wsgi_method

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "::", "::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(PrivateAddress):
        check_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8"])
def test_a_public_address_is_not(address: str) -> None:
    check_public(address)


class Counting:
    """A server inside that must not be reached."""

    def __init__(self) -> None:
        self.calls = 0

    @wsgi_method
    def answer(self, request: Request) -> Response:
        self.calls += 1
        return Response("{}")


SPELLINGS = ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_however_loopback_is_written_nothing_is_sent_there(host: str) -> None:
    inside, http = Counting(), HttpClient()
    with serve(inside.answer) as url:
        port = url.rpartition(":")[2]
        with pytest.raises(NotSentError) as failure:
            http.post(f"http://{host}:{port}/", b"{}", {}, private=False)
        assert failure.value.reason in ("private", "dns", "url")
        assert inside.calls == 0
    http.close()


def resolving(monkeypatch: pytest.MonkeyPatch, answers: Callable[[], str]) -> None:
    def resolve(host: str, port: int, until: float) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers(), port))]

    monkeypatch.setattr(bounded_sockets, "resolve", resolve)


def test_a_name_that_leads_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, http = Counting(), HttpClient()
    resolving(monkeypatch, lambda: "127.0.0.1")
    with serve(inside.answer) as url, pytest.raises(NotSentError) as failure:
        http.post(url.replace("127.0.0.1", "partner.example"), b"{}", {}, private=False)
    assert (failure.value.reason, inside.calls) == ("private", 0)


def test_a_name_that_changes_between_two_looks_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once a connection; what was looked at is what is connected to."""
    answers, connected = iter(["8.8.8.8", "127.0.0.1"]), []
    resolving(monkeypatch, lambda: next(answers))

    def connect(sock: socket.socket, address: Any, until: float) -> socket.socket:
        sock.close()
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(bounded_sockets, "_connect", connect)
    http = HttpClient()
    for _ in range(2):
        with pytest.raises(NotSentError):
            http.post("http://partner.example:80/", b"{}", {}, private=False)
    assert connected == ["8.8.8.8"]


def test_a_kept_connection_of_another_call_is_looked_at_too() -> None:
    inside, http = Counting(), HttpClient()
    with serve(inside.answer) as url:
        http.post(url, b"{}", {})
        with pytest.raises(NotSentError):
            http.post(url, b"{}", {}, private=False)
        assert inside.calls == 1
    http.close()
