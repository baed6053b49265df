"""Requests that are malformed, cut off or slow, on real connections to a real server (S9, S13, S14)."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from config.processes.supervisor import answers
from tests.support.servers import free_port, wait_until

SERVER = """
import sys
from config.processes.admission import Admission
from config.processes.serving import serve
from werkzeug.exceptions import HTTPException
def make_app():
    def app(environ, start_response):
        try:
            body = environ["wsgi.input"].read()
            status, text = "200 OK", b"read %d" % len(body)
        except HTTPException as fault:
            status, text = f"{fault.code} Refused", b""
        start_response(status, [("Content-Length", str(len(text)))])
        return [text]
    return Admission(app, [("X-Content-Type-Options", "nosniff")], {"/signed/": 1 << 20})
serve(make_app, sys.argv[1])
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", SERVER, f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL) as server:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"))
        yield port
        server.kill()


def send(port: int, request: bytes, *, finish: bool = False) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 30)
    sock.sendall(request)
    if finish:
        sock.shutdown(socket.SHUT_WR)
    return sock


def status(port: int, request: bytes, *, finish: bool = False) -> int:
    with send(port, request, finish=finish) as sock:
        return int(sock.recv(4096).split(b" ")[1])


def post(path: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers, "", body]).encode()


@pytest.mark.parametrize(
    "path", ["/%0d%0a?lang=en", "/a%0aSet-Cookie:%20x", "/%00", "/%7f", "/%c2%85", "/guides/%1b%5b2J"]
)
def test_a_control_character_in_a_path_is_refused(port: int, path: str) -> None:
    """security fault S14."""
    assert status(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == 400


@pytest.mark.parametrize("path", ["/", "/%E4%B8%AD%E6%96%87", "/a%20b", "/%ff", "/%E2%80%A8"])
def test_other_paths_are_let_through(port: int, path: str) -> None:
    assert status(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == 200


@pytest.mark.parametrize(
    ("path", "told", "sent"),
    [
        ("/", 100, 18),
        ("/", 100, 0),
        ("/", 19, 18),
        ("/", 60_000, 40_000),
        ("/signed/x", 100, 18),
        ("/signed/x", 100_000, 60_000),
    ],
)
def test_a_body_cut_short_is_refused(port: int, path: str, told: int, sent: int) -> None:
    """security fault S13: never taken for the whole."""
    assert status(port, post(path, f"Content-Length: {told}", body="x" * sent), finish=True) == 400


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (["Content-Length: 5"], "12345", 200),
        (["Content-Length: 0"], "", 200),
        (["Transfer-Encoding: chunked"], "5\r\n12345\r\n0\r\n\r\n", 200),
        (["Content-Length: 70000"], "x" * 70_000, 413),
        (["Host: y", "Content-Length: 5"], "12345", 400),
        (["Content-Length: -5"], "12345", 400),
    ],
    ids=["length", "empty", "chunked", "large", "two hosts", "negative"],
)
def test_bodies_and_heads(port: int, headers: list[str], body: str, expected: int) -> None:
    assert status(port, post("/", *headers, body=body)) == expected


def test_slow_senders_hold_up_nobody_and_are_ended(port: int) -> None:
    """security fault S9: 64 bodies that never end; 32 stopped the process, and nothing ended them."""
    slow = [send(port, post("/" if n % 2 else "/signed/x", "Content-Length: 100", body="half")) for n in range(64)]
    try:
        for path in ("/", "/signed/x"):
            begun = time.monotonic()
            assert status(port, post(path, "Content-Length: 5", body="12345")) == 200
            assert time.monotonic() - begun < 3
        begun = time.monotonic()
        told = [sock.recv(64) for sock in slow]
        assert all(answer.startswith(b"HTTP/1.1 408") for answer in told)
        assert time.monotonic() - begun < 10
    finally:
        for sock in slow:
            sock.close()


def test_a_body_that_drips_is_ended_as_well(port: int) -> None:
    """A variant of S9: something comes all the time, and never the end."""
    slow = [send(port, post("/", "Content-Length: 1000", body="half")) for _ in range(20)]
    ended, begun = 0, time.monotonic()
    while ended < len(slow) and time.monotonic() - begun < 10:
        time.sleep(0.2)
        ended = 0
        for sock in slow:
            try:
                sock.sendall(b"x")
            except OSError:
                ended += 1
    assert ended == len(slow)
    for sock in slow:
        sock.close()


def test_a_body_that_begins_along_with_another_request_is_ended_as_well(port: int) -> None:
    """A variant of S9: the answer to the first request hides from the kernel's clock that the second is pending."""
    first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    slow = [send(port, first + post("/", "Content-Length: 1000", body="half")) for _ in range(20)]
    for sock in slow:
        told = b""
        while b"408" not in told and (piece := sock.recv(4096)):
            told += piece
        assert b"HTTP/1.1 200" in told
        sock.close()


def test_a_connection_that_is_idle_between_requests_is_left_alone(port: int) -> None:
    with send(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as idle, send(port, post("/", "Content-Length: 9")):
        idle.recv(4096)
        time.sleep(2)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
