"""Sixteen processes that start at once and want the same token. Run as `python -m tests.wechat.cold_processes N`."""

from __future__ import annotations

import os
import sys

from config.ground import load_ground
from config.platforms import access_tokens, wechat_calls
from tests.support.servers import PATIENCE_S
from tests.wechat.played_platform import patient
from wechat.accounts import find_official_account
from wechat.platform.client import Platform

wechat_calls.BACKGROUND = patient()
access_tokens.WAIT_S = PATIENCE_S
access_tokens.LOCK_MS = int(PATIENCE_S * 1000)
"""So many on a busy machine take longer than a citizen would wait."""


def want_token() -> None:
    """One process: everything made new, one line with the token's hash at the end."""
    ground = load_ground()
    account = find_official_account(ground.catalogues.current(), "gxwbwx")
    os.write(1, f"{Platform(ground).token(account).value}\n".encode())


def main(count: int) -> None:
    """Fork the processes before anything is opened; wait for all."""
    for _ in range(count):
        if os.fork() == 0:
            try:
                want_token()
            finally:
                os._exit(0)
    for _ in range(count):
        os.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
