"""Addresses to listen at: is one free, and what to say when it is not."""

from __future__ import annotations

import socket
import time
from typing import Final

from config.errors import SettingInvalid

PATIENCE_S: Final = 3.0
"""A process that was just stopped may still hold its port; longer than serving.KILL_AFTER_S."""


def is_free(bind: str) -> bool:
    """Return whether `host:port` is free to listen on."""
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # Without SO_REUSEPORT, which granian sets: two servers would share the port and each lose half of the requests.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


def check_free(name: str, bind: str, wait_s: float = PATIENCE_S) -> None:
    """Wait until the address of a setting is free. Raises SettingInvalid with what to do when it stays taken."""
    deadline = time.monotonic() + wait_s
    while not is_free(bind):
        if time.monotonic() >= deadline:
            raise SettingInvalid(f"{name}: {bind} is taken by another program, or is no address of this host")
        time.sleep(0.1)
