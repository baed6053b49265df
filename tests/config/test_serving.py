"""Serving a WSGI application from a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from config.supervisor import answers
from config.up import free_port
from tests.servers import wait_until

SERVER = """
import os, sys
from config.serving import serve
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
        yield server, int(requests.get(f"http://{bind}/", timeout=5).text.removeprefix("made in "))
        server.kill()


def test_an_application_is_made_in_the_fork_and_ends_with_its_parent(
    server: tuple[subprocess.Popen[bytes], int],
) -> None:
    parent, serving = server
    assert serving != parent.pid
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(5) == 0
    assert not os.path.exists(f"/proc/{serving}")


def test_a_server_that_is_killed_takes_whoever_serves_for_it_along(server: tuple[subprocess.Popen[bytes], int]) -> None:
    parent, serving = server
    parent.kill()
    parent.wait(5)
    wait_until(lambda: not os.path.exists(f"/proc/{serving}"))
