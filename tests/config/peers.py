"""Servers that answer as they are told, on real sockets."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from config.errors import CALL_REASONS
from tests.support.stopwatch import stopwatch

Script = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
MEBIBYTE = bytes(1024 * 1024)


@contextmanager
def peer(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers every connection with `script`; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets: list[socket.socket] = [listener]

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
                open_sockets.append(connection)
            script(connection)
        connection.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_sockets.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    for opened in open_sockets:
        with suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)
        opened.close()


def request_of(connection: socket.socket) -> bytes:
    """The head of a request and its body, by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(answer: bytes, then: Script | None = None) -> Script:
    def script(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(answer)
        if then:
            then(connection)

    return script


def dripping(head: bytes, drop: bytes = b"x", pause: float = 0.1) -> Script:
    def script(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(pause)

    return script


def flooding(head: bytes, piece: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return script


def fails(kind: type[Exception], reason: str, within: float, call: Callable[[], object]) -> None:
    with stopwatch() as seconds:
        with pytest.raises(kind) as caught:
            call()
        assert seconds() < within
    assert getattr(caught.value, "reason", None) == reason
    assert reason in CALL_REASONS
