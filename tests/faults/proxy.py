"""A TCP proxy in front of MariaDB that lets a COMMIT through and loses its answer."""

from __future__ import annotations

import contextlib
import socket
import threading

COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
"""A packet of seven bytes, the first of its command: COM_QUERY and the word."""


class Proxy:
    """Passes everything on; `lose` says which COMMIT (counted from now on) gets no answer, 0: none."""

    def __init__(self, port: int) -> None:
        self._target, self._lock = port, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.commits, self.lost, self._lose = 0, 0, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, which: int) -> None:
        """Lose the answer to the `which`-th COMMIT from now on."""
        with self._lock:
            self.commits, self.lost, self._lose = 0, 0, which

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._target)) as server:
            deaf = threading.Event()
            threading.Thread(target=self._answer, args=(server, client, deaf), daemon=True).start()
            while said := client.recv(65_536):
                if said == COMMIT and self._is_lost():
                    deaf.set()
                server.sendall(said)

    def _is_lost(self) -> bool:
        with self._lock:
            self.commits += 1
            self.lost += self.commits == self._lose
            return self.commits == self._lose

    @staticmethod
    def _answer(server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65_536):
                if deaf.is_set():
                    break  # the answer to the COMMIT has come, and goes nowhere
                client.sendall(said)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
