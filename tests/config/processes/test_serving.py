"""Serving a WSGI application from a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import requests

from config.processes.serving import buffer_responses
from config.processes.supervisor import answers
from tests.support.servers import free_port, wait_until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SERVER = """
import os, sys
from config.processes.serving import serve
parent = os.getpid()
def make_app():
    assert os.getpid() != parent
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"made in %d" % os.getpid()]
    return app
serve(make_app, sys.argv[1])
"""


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server, and the process that serves for it."""
    bind = f"127.0.0.1:{free_port()}"
    with subprocess.Popen([sys.executable, "-c", SERVER, bind], stderr=subprocess.DEVNULL) as server:
        wait_until(lambda: answers(f"http://{bind}/"))
        yield server, int(requests.get(f"http://{bind}/", timeout=60).text.removeprefix("made in "))
        server.kill()


def test_an_application_is_made_in_the_fork_and_ends_with_its_parent(
    server: tuple[subprocess.Popen[bytes], int],
) -> None:
    parent, serving = server
    assert serving != parent.pid
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(60) == 0
    assert not os.path.exists(f"/proc/{serving}")


def test_a_server_that_is_killed_takes_whoever_serves_for_it_along(server: tuple[subprocess.Popen[bytes], int]) -> None:
    parent, serving = server
    parent.kill()
    parent.wait(60)
    wait_until(lambda: not os.path.exists(f"/proc/{serving}"))


class Pieces:
    """A body in two pieces, which tells when it is closed."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"two "
        yield b"pieces"

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("headers", "whole_one"), [([("Content-LENGTH", "10")], True), ([("Content-Type", "a/b")], False)]
)
def test_an_answer_that_tells_its_length_leaves_in_one_piece_and_a_stream_as_it_comes(
    headers: list[tuple[str, str]], whole_one: bool
) -> None:
    pieces, started = Pieces(), []

    def inner(environ: WSGIEnvironment, start_response: StartResponse) -> Pieces:
        start_response("200 OK", headers)
        return pieces

    body = buffer_responses(inner)({}, lambda *told: started.append(told))  # type: ignore[arg-type]
    assert started == [("200 OK", headers, None)]
    assert pieces.closed is whole_one
    assert body == [b"two pieces"] if whole_one else body is pieces
