"""The way out, against real sockets that misbehave."""

import errno
import gzip
import socket
import threading
import time
from resource import RUSAGE_SELF, getrusage
from typing import Any, Never

import pytest

from config.errors import NoAnswerError, NotSentError
from config.net.http_client import HttpClient
from tests.config.peers import MEBIBYTE, OK, answering, dripping, fails, flooding, peer, request_of
from tests.support.servers import free_port, silent_host


def test_an_answer_has_its_status_headers_and_body(http: HttpClient) -> None:
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
def test_every_status_is_an_answer(http: HttpClient, status: int) -> None:
    with peer(answering(b"HTTP/1.1 %d X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n" % status)) as url:
        answer = http.post(url, b"", {})
    assert (answer.status, answer.headers["Retry-After"]) == (status, "7")


def test_connections_are_kept_and_stale_ones_replaced(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.net.bounded_sockets.IDLE_S", 600)
    connections: list[int] = []
    hung_up = threading.Semaphore(0)

    def script(connection: socket.socket) -> None:
        connections.append(1)
        for _ in range(2):
            request_of(connection)
            connection.sendall(OK)
        connection.close()
        hung_up.release()

    with peer(script) as url:
        for _ in range(3):
            assert [http.get(url).status for _ in range(2)] == [200, 200]
            assert hung_up.acquire(timeout=60)
    assert len(connections) == 3


def test_a_redirect_is_not_followed_and_its_body_not_swallowed(http: HttpClient) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n"
    with peer(flooding(head, MEBIBYTE)) as url:
        fails(NoAnswerError, "too_large", 5, lambda: http.get(url, cap=1000))


def test_cookies_are_not_kept(http: HttpClient) -> None:
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


def test_proxies_of_the_environment_are_ignored(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with peer(answering(OK)) as url:
        assert http.get(url).status == 200


def test_a_port_where_nobody_listens_means_not_sent(http: HttpClient) -> None:
    port = free_port()
    fails(NotSentError, "refused", 1, lambda: http.post(f"http://127.0.0.1:{port}/", b"x", {}))


def test_a_connection_that_is_reset_while_it_is_made_means_not_sent(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reset(*_: Any) -> Never:
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    with peer(lambda connection: None) as url:
        monkeypatch.setattr(socket.socket, "connect", reset)
        with pytest.raises(NotSentError) as caught:
            http.post(url, b"{}", {})
    assert caught.value.reason == "refused"


def test_a_name_without_an_address_means_not_sent(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any, **__: Any) -> Never:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("config.net.bounded_sockets.socket.getaddrinfo", look_up)
    fails(NotSentError, "dns", 5, lambda: http.post("http://no-such-host.invalid/", b"x", {}, connect=60))


def test_a_resolver_that_hangs_costs_no_more_than_the_time_to_connect(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.net.bounded_sockets.socket.getaddrinfo", lambda *_, **__: [time.sleep(30)])
    fails(NotSentError, "timeout", 1, lambda: http.post("http://slow.example/", b"x", {}, connect=0.3))


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "http://[::1", "//x"])
def test_an_address_that_is_none_means_not_sent(http: HttpClient, url: str) -> None:
    fails(NotSentError, "url", 1, lambda: http.post(url, b"x", {}))


def test_a_host_that_does_not_take_the_connection_means_not_sent(http: HttpClient) -> None:
    with silent_host() as port:
        fails(NotSentError, "timeout", 2, lambda: http.post(f"http://127.0.0.1:{port}/", b"x", {}, connect=0.5))


def test_silence_after_the_request_means_no_answer(http: HttpClient) -> None:
    with peer(lambda connection: time.sleep(60)) as url:
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
def test_the_total_time_holds_against_a_drip_of_bytes(http: HttpClient, head: Any) -> None:
    with peer(dripping(head)) as url:
        fails(NoAnswerError, "timeout", 4, lambda: http.post(url, b"x", {}, read=5, total=2))


def test_the_total_time_holds_against_endless_interim_answers(http: HttpClient) -> None:
    with peer(flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n")) as url:
        fails(NoAnswerError, "timeout", 4, lambda: http.post(url, b"x", {}, read=5, total=2))


def test_the_total_time_holds_against_a_peer_that_does_not_read(http: HttpClient) -> None:
    with peer(lambda connection: time.sleep(60)) as url:
        fails(NoAnswerError, "timeout", 4, lambda: http.post(url, MEBIBYTE * 32, {}, read=5, total=2))


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"])
def test_a_body_of_a_gigabyte_is_cut_off(http: HttpClient, head: Any) -> None:
    before = getrusage(RUSAGE_SELF).ru_maxrss
    with peer(flooding(head, MEBIBYTE)) as url:
        fails(NoAnswerError, "too_large", 5, lambda: http.post(url, b"x", {}, cap=1_000_000))
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_gzip_bomb_is_cut_off_by_its_decoded_size(http: HttpClient) -> None:
    bomb = gzip.compress(MEBIBYTE * 200, compresslevel=9)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    before = getrusage(RUSAGE_SELF).ru_maxrss
    with peer(answering(head + bomb)) as url:
        fails(NoAnswerError, "too_large", 5, lambda: http.post(url, b"x", {}, cap=1_000_000))
    assert getrusage(RUSAGE_SELF).ru_maxrss - before < 30_000


def test_a_gzipped_answer_of_fair_size_is_decoded(http: HttpClient) -> None:
    body = gzip.compress(b"{}")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with peer(answering(head + body)) as url:
        assert http.get(url).body == b"{}"


def test_a_body_of_just_the_cap_is_accepted(http: HttpClient) -> None:
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
def test_a_broken_answer_means_no_answer(http: HttpClient, answer: Any) -> None:
    with peer(answering(answer)) as url:
        fails(NoAnswerError, "broken", 2, lambda: http.post(url, b"x", {}))


def test_an_error_tells_nothing_of_the_request(http: HttpClient) -> None:
    with peer(lambda connection: None) as url, pytest.raises(NoAnswerError) as caught:
        http.post(f"{url}/token?secret=geheim", b"13800138000", {})
    assert "geheim" not in f"{caught.value} {caught.value.__cause__} {caught.value.detail}"
    assert caught.value.__suppress_context__


def test_threads_do_not_share_connections(http: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.net.bounded_sockets.IDLE_S", 600)
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
