from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from redis import Redis, RedisError
from redis.sentinel import SentinelConnectionPool

from config.errors import SettingInvalid
from config.queue.bell import Bell, another_client, make_redis
from config.queue.sentinel import parse_sentinel_url
from config.queue.worker import make_worker
from config.settings import load_settings
from tests.conftest import need
from tests.support.servers import free_port, running, wait_until

PASSWORD = "geheim-7"


@dataclass
class Watched:
    """A master and its replica, and the sentinel that watches them."""

    url: str
    master: int
    replica: int
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    clients: list[Redis] = field(default_factory=list)

    def connect(self) -> Redis:
        """A client of whoever is master."""
        self.clients.append(make_redis(self.url))
        return self.clients[-1]

    def hang_up(self) -> None:
        """Close the clients, and theirs of the sentinels, which they leave open."""
        for client in self.clients:
            client.close()
            for sentinel in cast("SentinelConnectionPool", client.connection_pool).sentinel_manager.sentinels:
                sentinel.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    need("redis-server")
    master, replica, sentinel = free_port(), free_port(), free_port()
    found = Watched(f"redis+sentinel://:{PASSWORD}@127.0.0.1:1,127.0.0.1:{sentinel}/onecert/2", master, replica)
    login = ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
    common = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with ExitStack() as stack:
        for port, more in ((master, []), (replica, ["--replicaof", "127.0.0.1", str(master)])):
            command = [*common, "--port", str(port), *login, *more]
            found.processes[port] = stack.enter_context(running(command, tmp_path / f"{port}.log"))
        wait_until(lambda: role(replica)[3] == b"connected")
        (tmp_path / "sentinel.conf").write_text(
            f"port {sentinel}\nbind 127.0.0.1\nsentinel monitor onecert 127.0.0.1 {master} 1\n"
            f"sentinel auth-pass onecert {PASSWORD}\nsentinel down-after-milliseconds onecert 2000\n"
            "sentinel failover-timeout onecert 2000\n"
        )
        command = ["redis-server", str(tmp_path / "sentinel.conf"), "--sentinel", "--dir", str(tmp_path)]
        stack.enter_context(running(command, tmp_path / "sentinel.log"))
        wait_until(lambda: knows_replica(sentinel))
        yield found
        found.hang_up()


def role(port: int) -> list[bytes]:
    with suppress(RedisError), Redis(port=port, password=PASSWORD, protocol=2) as client:
        return list(client.role())
    return [b""] * 5


def knows_replica(sentinel: int) -> bool:
    with suppress(RedisError), Redis(port=sentinel, protocol=2) as client:
        return len(client.sentinel_slaves("onecert")) == 1
    return False


def port_of(client: Redis) -> int:
    return int(client.info("server")["tcp_port"])


def test_the_bell_rings_on_when_the_master_has_died(watched: Watched) -> None:
    redis = watched.connect()
    assert (port_of(redis), redis.get_connection_kwargs()["db"]) == (watched.master, 2)
    done: list[str] = []
    bell, worker = Bell(redis), make_worker(redis, {"ask": done.append})
    bell.ring("ask", "jd")
    worker.work(burst=True)
    watched.processes[watched.master].kill()
    wait_until(lambda: ring_and_work(bell, redis, done))
    assert set(done) == {"jd", "tencent"}
    assert port_of(redis) == watched.replica
    with another_client(redis, 5.0) as other:
        assert port_of(other) == watched.replica
    bell.close()


def ring_and_work(bell: Bell, redis: Redis, done: list[str]) -> bool:
    bell.ring("ask", "tencent")
    with suppress(RedisError):
        make_worker(redis, {"ask": done.append}).work(burst=True)
    return "tencent" in done


def test_a_gateway_that_waits_hears_the_bell_of_the_new_master(watched: Watched) -> None:
    redis = watched.connect()
    bell = Bell(redis)
    heard = threading.Event()

    def listen() -> None:
        while not heard.is_set():
            if bell.wait_for_gateway(1.0) is not None:
                heard.set()

    listener = threading.Thread(target=listen)
    listener.start()
    watched.processes[watched.master].kill()
    wait_until(lambda: role(watched.replica)[0] == b"master")
    ringing = Bell(watched.connect())
    wait_until(lambda: ringing.notify_gateway() or heard.is_set())
    listener.join(60)
    assert not listener.is_alive()
    for one in (bell, ringing):
        one.close()


def test_a_master_that_became_a_replica_is_left_for_the_new_one(watched: Watched) -> None:
    redis = watched.connect()
    redis.set("before", 1)
    master = watched.processes[watched.master]
    master.send_signal(signal.SIGSTOP)
    wait_until(lambda: role(watched.replica)[0] == b"master")
    master.send_signal(signal.SIGCONT)
    wait_until(lambda: role(watched.master)[0] == b"slave")
    redis.set("after", 1)
    assert port_of(redis) == watched.replica


def test_an_address_names_sentinels_service_and_database() -> None:
    address = parse_sentinel_url("rediss+sentinel://me:a%40b@one,[::1]:7000/onecert/3?sentinel_password=c")
    assert address.hosts == (("one", 26379), ("::1", 7000))
    assert (address.service, address.db, address.tls) == ("onecert", 3, True)
    assert (address.login, address.sentinel_login) == ({"username": "me", "password": "a@b"}, {"password": "c"})
    assert "a@b" not in repr(address)
    assert parse_sentinel_url("redis+sentinel://one/onecert").db == 0


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one,two",
        "redis+sentinel:///onecert",
        "redis+sentinel://one,/onecert",
        "redis+sentinel://:geheim@one:port/onecert",
        "redis+sentinel://one/onecert/first",
        "redis+sentinel://one/onecert?timeout=3",
        "sentinel://one/onecert",
    ],
)
def test_another_address_is_refused_without_telling_the_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="ONECERT_REDIS_URL") as refused:
        load_settings({"ONECERT_DATA": str(tmp_path), "ONECERT_REDIS_URL": url})
    assert "geheim" not in str(refused.value)
    assert "redis+sentinel://" in refused.value.detail
