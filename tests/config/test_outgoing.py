"""The way out, against real sockets that misbehave."""

import errno
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.errors import NoAnswerError, NotSentError
from config.outgoing import REASONS, Outgoing
from tests.servers import silent_host

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


@pytest.fixture
def http() -> Iterator[Outgoing]:
    outgoing = Outgoing()
    yield outgoing
    outgoing.close()


def fails(kind: type[Exception], reason: str, within: float, call: Callable[[], object]) -> None:
    begun = time.monotonic()
    with pytest.raises(kind) as caught:
        call()
    assert time.monotonic() - begun < within
    assert getattr(caught.value, "reason", None) == reason
    assert reason in REASONS


def test_an_answer_has_its_status_headers_and_body(http):
    seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        seen.append(request_of(connection))
        connection.sendall(OK)

    with peer(script) as url:
        answer = http.post(f"{url}/v1/lookups", b'{"a":1}', {"Content-Type": "application/json", "Signature": "s"})
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
    head = seen[0].lower()
    assert head.startswith(b"post /v1/lookups http/1.1\r\n")
    assert b"signature: s" in head
    assert head.endswith(b'{"a":1}')


@pytest.mark.parametrize("status", [202, 302, 404, 429, 500])
def test_every_status_is_an_answer(http, status):
    with peer(answering(b"HTTP/1.1 %d X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" % status)) as url:
        answer = http.post(url, b"", {})
    assert (answer.status, answer.headers["Retry-After"]) == (status, "7")


def test_connections_are_kept_and_stale_ones_replaced(http):
    connections: list[int] = []

    def script(connection: socket.socket) -> None:
        connections.append(1)
        for _ in range(2):
            request_of(connection)
            connection.sendall(OK)

    with peer(script) as url:
        for _ in range(6):
            assert http.get(url).status == 200
            time.sleep(0.02)
    assert len(connections) == 3


def test_a_redirect_is_not_followed_and_its_body_not_swallowed(http):
    head = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n"
    with peer(flooding(head, MEBIBYTE)) as url:
        fails(NoAnswerError, "too_large", 5, lambda: http.get(url, cap=1000))


def test_cookies_are_not_kept(http):
    seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        for _ in range(2):
            seen.append(request_of(connection).lower())
            connection.sendall(OK.replace(b"\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n", 1))

    with peer(script) as url:
        http.get(url)
        http.get(url)
    assert len(seen) == 2
    assert not any(b"cookie" in request for request in seen)


def test_proxies_of_the_environment_are_ignored(http, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with peer(answering(OK)) as url:
        assert http.get(url).status == 200


def test_a_port_where_nobody_listens_means_not_sent(http):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fails(NotSentError, "refused", 1, lambda: http.post(f"http://127.0.0.1:{port}/", b"x", {}))


def test_a_connection_that_is_reset_while_it_is_made_means_not_sent(http, monkeypatch):
    def reset(*_):
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    with peer(lambda connection: None) as url:
        monkeypatch.setattr(socket.socket, "connect", reset)
        with pytest.raises(NotSentError) as caught:
            http.post(url, b"{}", {})
    assert caught.value.reason == "refused"


def test_a_name_without_an_address_means_not_sent(http):
    fails(NotSentError, "dns", 5, lambda: http.post("http://no-such-host.invalid/", b"x", {}, connect=4))


def test_a_resolver_that_hangs_costs_no_more_than_the_time_to_connect(http, monkeypatch):
    monkeypatch.setattr("config.wire.socket.getaddrinfo", lambda *_, **__: [time.sleep(1)])
    fails(NotSentError, "timeout", 1, lambda: http.post("http://slow.example/", b"x", {}, connect=0.3))


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "http://[::1", "//x"])
def test_an_address_that_is_none_means_not_sent(http, url):
    fails(NotSentError, "url", 1, lambda: http.post(url, b"x", {}))


def test_a_host_that_does_not_take_the_connection_means_not_sent(http):
    with silent_host() as port:
        fails(NotSentError, "timeout", 2, lambda: http.post(f"http://127.0.0.1:{port}/", b"x", {}, connect=0.5))


def test_silence_after_the_request_means_no_answer(http):
    with peer(lambda connection: time.sleep(5)) as url:
        fails(NoAnswerError, "timeout", 1, lambda: http.post(url, b"x", {}, read=0.4))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Drip: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n",
    ],
)
def test_the_total_time_holds_against_a_drip_of_bytes(http, head):
    with peer(dripping(head)) as url:
        fails(NoAnswerError, "timeout", 2, lambda: http.post(url, b"x", {}, read=5, total=1))


def test_the_total_time_holds_against_endless_interim_answers(http):
    with peer(flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n")) as url:
        fails(NoAnswerError, "timeout", 2, lambda: http.post(url, b"x", {}, read=5, total=1))


def test_the_total_time_holds_against_a_peer_that_does_not_read(http):
    with peer(lambda connection: time.sleep(5)) as url:
        fails(NoAnswerError, "timeout", 2, lambda: http.post(url, MEBIBYTE * 32, {}, read=5, total=1))


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"])
def test_a_body_of_a_gigabyte_is_cut_off(http, head):
    before = getrusage(RUSAGE_SELF).ru_maxrss
    with peer(flooding(head, MEBIBYTE)) as url:
        fails(NoAnswerError, "too_large", 5, lambda: http.post(url, b"x", {}, cap=1_000_000))
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_gzip_bomb_is_cut_off_by_its_decoded_size(http):
    bomb = gzip.compress(MEBIBYTE * 200, compresslevel=9)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    with peer(answering(head + bomb)) as url:
        fails(NoAnswerError, "too_large", 5, lambda: http.post(url, b"x", {}, cap=1_000_000))
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_gzipped_answer_of_fair_size_is_decoded(http):
    body = gzip.compress(b"{}")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with peer(answering(head + body)) as url:
        assert http.get(url).body == b"{}"


def test_a_body_of_just_the_cap_is_accepted(http):
    with peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(1000))) as url:
        assert len(http.get(url, cap=1000).body) == 1000
        http.close()
        fails(NoAnswerError, "too_large", 2, lambda: http.get(url, cap=999))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    ],
)
def test_a_broken_answer_means_no_answer(http, answer):
    with peer(answering(answer)) as url:
        fails(NoAnswerError, "broken", 2, lambda: http.post(url, b"x", {}))


def test_an_error_tells_nothing_of_the_request(http):
    with peer(lambda connection: None) as url, pytest.raises(NoAnswerError) as caught:
        http.post(f"{url}/token?secret=geheim", b"13800138000", {})
    assert "geheim" not in f"{caught.value} {caught.value.__cause__} {caught.value.detail}"
    assert caught.value.__suppress_context__


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.fromtimestamp(time.time(), UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
    signed = builder.add_extension(x509.BasicConstraints(True, 0), True).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "peer.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_https_works_with_the_authority_of_the_settings(certificate, tls):
    http = Outgoing(certificate)
    with peer(answering(OK), tls) as url:
        assert http.post(url, b"x", {}).status == 200
    http.close()


def test_an_unknown_certificate_means_not_sent(http, tls):
    with peer(answering(OK), tls) as url:
        fails(NotSentError, "tls", 2, lambda: http.post(url, b"x", {}))


def test_a_handshake_that_hangs_means_not_sent(http):
    with peer(lambda connection: time.sleep(5)) as url:
        secure = url.replace("http:", "https:")
        fails(NotSentError, "timeout", 2, lambda: http.post(secure, b"x", {}, connect=0.5))


def test_the_total_time_holds_over_https(certificate, tls):
    http = Outgoing(certificate)
    with peer(dripping(b"HTTP/1.1 200 OK\r\nX-Drip: "), tls) as url:
        fails(NoAnswerError, "timeout", 2, lambda: http.post(url, b"x", {}, read=5, total=1))
    with peer(lambda connection: time.sleep(5), tls) as url:
        fails(NoAnswerError, "timeout", 2, lambda: http.post(url, MEBIBYTE * 32, {}, read=5, total=1))
    http.close()


def test_threads_do_not_share_connections(http):
    connections: list[int] = []

    def script(connection: socket.socket) -> None:
        connections.append(1)
        while True:
            request_of(connection)
            connection.sendall(OK)

    def call() -> None:
        for _ in range(5):
            http.get(url)

    with peer(script) as url:
        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(connections) == 4
