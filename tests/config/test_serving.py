"""Serving a WSGI application from a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import requests

from config.supervisor import answers
from config.up import free_port

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


def test_an_application_is_made_in_the_fork_and_ends_with_its_parent() -> None:
    bind = f"127.0.0.1:{free_port()}"
    server = subprocess.Popen([sys.executable, "-c", SERVER, bind], stderr=subprocess.DEVNULL)
    begun = time.monotonic()
    while not answers(f"http://{bind}/"):
        assert time.monotonic() - begun < 15
        time.sleep(0.05)
    worker = int(requests.get(f"http://{bind}/", timeout=5).text.removeprefix("made in "))
    assert worker != server.pid
    server.send_signal(signal.SIGTERM)
    assert server.wait(5) == 0
    assert not os.path.exists(f"/proc/{worker}")
