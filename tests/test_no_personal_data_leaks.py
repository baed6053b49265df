"""A number and an ID go the whole way, stored, asked, told and mistyped; then everything that was kept is searched."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis, RedisError

from tests.support.instances import Citizen, Instance, private_instance
from tests.support.servers import wait_until

PHONE, ID_TAIL = "13974126853", "47391X"
OTHER_PHONE = "13574126859"
NAME, ID_NUMBER = "欧阳金丝雀", "11010519491231002X"


class Overheard(threading.Thread):
    """Every command that Redis is given."""

    def __init__(self, socket: Path) -> None:
        super().__init__(daemon=True)
        self._redis = Redis(unix_socket_path=str(socket))
        self.commands: list[str] = []

    def run(self) -> None:
        with suppress(RedisError), self._redis.monitor() as monitor:
            for heard in monitor.listen():
                self.commands.append(heard["command"])


@contextmanager
def overheard(socket: Path) -> Iterator[Overheard]:
    """Listen for the block."""
    listener = Overheard(socket)
    listener.start()
    redis = Redis(unix_socket_path=str(socket))
    wait_until(lambda: bool(redis.ping()) and any("PING" in one for one in listener.commands))
    yield listener


def dresses(secret: str) -> set[bytes]:
    """Return what it would look like if somebody had only encoded it, or hashed it without a key."""
    plain = secret.encode()
    hashes = [
        hashlib.new(name, plain) for name in ("md5", "sha1", "sha256", "sm3") if name in hashlib.algorithms_available
    ]
    encoded = {plain, plain.hex().encode(), plain[::-1], base64.b64encode(plain).rstrip(b"="), secret.encode("gbk")}
    return encoded | {one.digest() for one in hashes} | {one.hexdigest().encode() for one in hashes}


def found_in(haystack: bytes, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that it holds."""
    return [name for name, secret in secrets.items() if any(dress in haystack for dress in dresses(secret))]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with private_instance(tmp_path_factory.mktemp("canary"), ONECERT_LOG_LEVEL="debug") as found:
        yield found


def test_a_number_and_an_id_are_found_nowhere_in_clear(instance: Instance) -> None:
    directory = instance.log.parent
    (socket,) = directory.rglob("*.sock")
    with overheard(socket) as listener:
        secrets = go_the_whole_way(instance)
        leaks = {path.name: names for path in kept(directory) if (names := found_in(path.read_bytes(), secrets))}
    assert leaks == {}
    assert found_in("\n".join(listener.commands).encode(), secrets) == []
    assert len(listener.commands) > 100


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    for place, dress in enumerate(dresses(PHONE)):
        (tmp_path / str(place)).write_bytes(b"..." + dress + b"...")
    assert all(found_in(path.read_bytes(), {"number": PHONE}) == ["number"] for path in tmp_path.iterdir())


def go_the_whole_way(instance: Instance) -> dict[str, str]:
    """Both services, companies that fail, a mistyped form, an operator who looks; what must not be found."""
    citizen = Citizen(instance, PHONE)
    code = citizen.receive_code()
    assert citizen.submit("000000", ID_TAIL).status_code == 422
    assert citizen.submit(code, ID_TAIL + "9").status_code == 422
    instance.behave("meituan", "garbage")
    instance.behave("jd", "silent")
    reference = citizen.submit(code, ID_TAIL).json()["reference"]
    cards = Citizen(instance, OTHER_PHONE)
    cards_code = cards.receive_code("phone-cards")
    form = {
        "service": "phone-cards",
        "phone": OTHER_PHONE,
        "code": cards_code,
        "name": NAME,
        "id_number": ID_NUMBER,
        "consent": True,
    }
    assert cards.call("POST", "/inquiries", form).status_code == 202
    instance.wait_for_messages(OTHER_PHONE, 2)
    wait_until(lambda: citizen.call("GET", f"/inquiries/{reference}").json()["status"] == "asking")
    instance.onecert("inquiry", "show", reference)
    instance.onecert("message", "list")
    secrets = {"number": PHONE, "other number": OTHER_PHONE, "ID": ID_TAIL, "name": NAME, "whole ID": ID_NUMBER}
    return secrets | {"first code": f"验证码{code}", "second code": f"验证码{cards_code}"}


def kept(directory: Path) -> list[Path]:
    """Every file of the instance: database and its log, what Redis wrote, what the processes said."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert {"up.log", "onecert.sqlite3"} < {path.name for path in files}
    return files
