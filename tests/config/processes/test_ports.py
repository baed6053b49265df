"""A port that is taken is said in one line (output 6): not a traceback, and not two servers that share it."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from config.errors import SettingInvalid
from config.processes.ports import check_free


@pytest.mark.parametrize("reuse", [False, True])
def test_a_taken_port_is_named_with_its_setting(reuse: bool) -> None:
    with socket.socket() as other:
        if reuse:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as granian does
        other.bind(("127.0.0.1", 0))
        other.listen()
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingInvalid, match=f"ONECERT_METRICS_BIND: {bind} is taken"):
            check_free("ONECERT_METRICS_BIND", bind, 0.2)


def test_an_address_of_another_host_is_told() -> None:
    with pytest.raises(SettingInvalid, match="is no address of this host"):
        check_free("ONECERT_BIND", "192.0.2.1:8000", 0)


def test_a_process_that_is_just_ending_is_waited_for() -> None:
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    other.listen()
    bind = f"127.0.0.1:{other.getsockname()[1]}"

    def end() -> None:
        time.sleep(0.3)
        other.close()

    thread = threading.Thread(target=end)
    thread.start()
    check_free("ONECERT_BIND", bind, 30)
    thread.join()
