"""Connections that keep to a total deadline, beneath `outgoing.py`.

`requests` and urllib3 know a time-out for each read of a socket; a peer that sends a byte a second
never meets it. Here every connect, send and read is given what is left of the call's time.
"""

import io
import ipaddress
import queue
import socket
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from config.failpoints import failpoint

# A peer may close an idle connection just when we write to it, and then nobody knows what it
# read; a fresh connection costs little.
IDLE_S = 3.0
SEND_CHUNK = 16_384
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass
class Deadline:
    """The limits of one call, and whether a byte of it was given to a socket.

    `private`: whether it may go to an address that is not on the public internet.
    """

    connect_s: float
    read_s: float
    total_s: float
    private: bool = True
    sent: bool = False
    begun: float = field(default_factory=time.monotonic)

    def left(self, most_s: float) -> float:
        """Seconds that the next step may take; TimeoutError when none is left."""
        left = min(most_s, self.begun + self.total_s - time.monotonic())
        if left <= 0:
            raise TimeoutError("the call's time is over")
        return left


class PrivateAddress(OSError):
    """The host has an address to which this call must not go."""


_here = threading.local()


def begin_deadline(call: Deadline) -> None:
    """From now on this thread's connections keep to this call's limits."""
    _here.call = call


def _current() -> Deadline:
    call: Deadline = _here.call
    return call


class _BoundedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw: Any = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        call = _current()
        self._sock.settimeout(call.left(call.read_s))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedSocket:
    """The interface that `http.client` needs of a socket to read a response: a file."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._sock), 65_536)


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_BoundedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Bounded(HTTPConnection):
    response_class = _BoundedResponse
    _used_at = 0.0

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._used_at < IDLE_S

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call, view = _current(), memoryview(data)
        if not call.private and not call.sent:
            # A connection that was kept may have been made by a call that was allowed more.
            check_public(self.sock.getpeername()[0])
        for start in range(0, len(view), SEND_CHUNK):
            self.sock.settimeout(call.left(call.read_s))
            call.sent = True
            self.sock.sendall(view[start : start + SEND_CHUNK])
            failpoint("call.after_first_byte")
        self._used_at = time.monotonic()

    def getresponse(self) -> Any:
        if self.sock is None:
            # urllib3 looks for an answer even where a connection was reset while it was being made.
            raise ConnectionResetError("there was no connection")
        return super().getresponse()

    def _new_conn(self) -> socket.socket:
        call = _current()
        until = time.monotonic() + call.left(call.connect_s)
        failure: OSError = ConnectionError("the name has no address")
        for family, kind, protocol, _, address in resolve(self._dns_host, self.port or self.default_port, until):
            try:
                # The very address that is connected to is looked at: a name that changes gains nothing by it.
                if not call.private:
                    check_public(address[0])
                return _connect(socket.socket(family, kind, protocol), address, until)
            except OSError as error:
                failure = error
        raise failure


class _BoundedTls(_Bounded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Bounded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTls


class BoundedAdapter(HTTPAdapter):
    """Mounts the connections above into a `requests.Session`; never retries."""

    def __init__(self) -> None:
        super().__init__(pool_connections=32, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Called by the base class to make its pools."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def _connect(sock: socket.socket, address: Any, until: float) -> socket.socket:
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(_seconds_until(until))
        sock.connect(address)
        sock.settimeout(_seconds_until(until))  # what is left is for the TLS handshake
    except OSError:
        sock.close()
        raise
    return sock


def _seconds_until(moment: float) -> float:
    left = moment - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for connecting is over")
    return left


def resolve(host: str, port: int, until: float) -> list[tuple[Any, ...]]:
    """The addresses of a host, as `getaddrinfo` has them, within the time (monotonic seconds).

    The resolver has no time-out of its own, so a thread waits for it and is left behind when it
    takes too long.
    """
    if _is_address(host):
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    found: queue.SimpleQueue[list[tuple[Any, ...]] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as error:
            found.put(error)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        outcome = found.get(timeout=_seconds_until(until))
    except queue.Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(outcome, OSError):
        raise outcome
    return outcome


def check_public(address: str) -> None:
    """PrivateAddress unless `address` is one of the public internet, also inside an IPv6 address that wraps it."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise PrivateAddress("not an address") from None
    wrapped = _wrapped(found)
    # A mapped address is the IPv4 address itself; any other is an address of its own that also leads to another.
    mapped = isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None
    for inner in wrapped if mapped else (found, *wrapped):
        if not inner.is_global or inner.is_multicast or inner.is_reserved:
            raise PrivateAddress("the address is not on the public internet")


def _wrapped(found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """IPv4 addresses that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64."""
    if isinstance(found, ipaddress.IPv4Address):
        return []
    nat64 = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in NAT64 else None
    return [inner for inner in (found.ipv4_mapped, found.sixtofour, *(found.teredo or ()), nat64) if inner]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
