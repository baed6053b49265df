"""A closed loop of keep-alive connections that sends ready-made requests, so that the server is what is measured."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

CONNECTIONS = 8


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire, and what its answer must hold."""

    wire: bytes
    expected: bytes


def build_request(path: str, body: bytes, media: str, expected: bytes) -> Request:
    """A POST over a kept connection."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
    return Request(head.encode() + body, expected)


def fire(port: int, pid: int, requests: Sequence[Request]) -> dict[str, float]:
    """Send all of them to a server and its pid: taps a second, milliseconds at p50 and p99, its CPU for each tap.

    An unexpected answer ends it.
    """
    times: list[float] = []
    faults: list[Exception] = []

    def connection(share: Sequence[Request]) -> None:
        try:
            times.extend(_play(port, share))
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=connection, args=(requests[n::CONNECTIONS],)) for n in range(CONNECTIONS)]
    cpu, started = cpu_seconds(pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    if faults:
        raise faults[0]
    times.sort()
    return {
        "per_second": len(times) / elapsed,
        "p50_ms": statistics.median(times),
        "p99_ms": times[int(len(times) * 0.99) - 1],
        "cpu_ms": (cpu_seconds(pid) - cpu) * 1000 / len(times),
    }


def cpu_seconds(pid: int) -> float:
    """CPU seconds so far of a process and all below it."""
    root = psutil.Process(pid)
    times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
    return float(sum(time.user + time.system for time in times))


def _play(port: int, share: Sequence[Request]) -> list[float]:
    times = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in share:
            started = time.perf_counter()
            line.sendall(request.wire)
            answer = _read(line)
            times.append((time.perf_counter() - started) * 1000)
            if not answer.startswith(b"HTTP/1.1 200") or request.expected not in answer:
                raise AssertionError(f"an unexpected answer: {answer[:1500]!r}")
    return times


def _read(line: socket.socket) -> bytes:
    answer = b""
    while True:
        piece = line.recv(65536)
        if not piece:
            raise ConnectionError(f"the server hung up after {answer[:200]!r}")
        answer += piece
        head, gap, body = answer.partition(b"\r\n\r\n")
        if gap:
            size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(body) >= size:
                return answer
