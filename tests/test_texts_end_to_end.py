"""From outside, over real processes: a citizen texts the port number over both gateways; nothing of a text is kept."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.instances import Instance, private_instance
from tests.support.servers import wait_until
from tests.test_no_personal_data_leaks import found_in, kept, overheard

numbers = itertools.count(13_730_000_000)
TAIL = "47391X"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with private_instance(tmp_path_factory.mktemp("texts"), ONECERT_LOG_LEVEL="debug") as found:
        yield found


@pytest.fixture
def phone() -> str:
    return str(next(numbers))


def write(instance: Instance, phone: str, text: str) -> None:
    answer = requests.post(f"{instance.sandbox_url}/phone/{phone}/texts", json={"text": text}, timeout=60)
    assert answer.status_code == 202


def texts(instance: Instance, phone: str, count: int) -> list[str]:
    return [one["text"] for one in instance.wait_for_messages(phone, count)]


def apply(instance: Instance, *changes: tuple[str, str]) -> None:
    document = instance.onecert("config", "show")
    for old, new in changes:
        assert old in document
        document = document.replace(old, new)
    path = instance.log.parent / "changed.toml"
    path.write_text(document)
    instance.onecert("config", "apply", str(path), "--yes")


def test_one_text_two_texts_and_no_digit_of_them_anywhere(instance: Instance, phone: str) -> None:
    """Over the HTTP gateway; the digits are looked for in the database, in Redis and in what the processes say."""
    second = str(next(numbers))
    (socket,) = instance.log.parent.rglob("*.sock")
    with overheard(socket) as listener:
        write(instance, phone, "查帳號")
        assert "请回复身份证号码后六位" in texts(instance, phone, 1)[0]
        instance.onecert("message", "play", phone, TAIL)
        assert "共关联" in texts(instance, phone, 3)[2]
        instance.onecert("message", "play", second, f"查账号 {TAIL}")
        accepted, result = texts(instance, second, 2)
    assert "已受理" in accepted
    assert "共关联" in result
    secrets = {"ID": TAIL, "number": phone}
    assert [path.name for path in kept(instance.log.parent) if found_in(path.read_bytes(), secrets)] == []
    assert found_in("\n".join(listener.commands).encode(), secrets) == []
    assert '"entrance": "sms"' in instance.onecert("inquiry", "list", "--json")


def test_the_sandboxs_phone_writes_without_a_script(instance: Instance, phone: str) -> None:
    page = requests.get(f"{instance.sandbox_url}/phone/{phone}", timeout=60)
    (action,) = re.findall(r'action="([^"]*/texts)"', page.text)
    answer = requests.post(f"{instance.sandbox_url}{action}", data={"text": "查卡"}, timeout=60)
    assert answer.url == f"{instance.sandbox_url}/phone/{phone}"
    assert "短信里不受理姓名" in texts(instance, phone, 1)[0]


def test_killed_processes_lose_no_text(instance: Instance) -> None:
    citizens = [str(next(numbers)) for _ in range(5)]
    for citizen in citizens:
        write(instance, citizen, f"查账号 {TAIL}")
        for child in psutil.Process(instance.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if {"worker", "gateway", "clock"} & set(child.cmdline()):
                    child.kill()
    for citizen in citizens:
        accepted, result = texts(instance, citizen, 2)
        assert {"已受理" in accepted, "已受理" in result} == {True, False}
        assert "共关联" in accepted + result


def test_over_cmpp_with_a_sender_that_may_be_made_up(instance: Instance, phone: str, tmp_path: Path) -> None:
    """The last of this file: the instance speaks CMPP from here on."""
    apply(
        instance,
        ('driver = "http"\nenabled = true', 'driver = "http"\nenabled = false'),
        ("trusted_sender = true\nenabled = false", "trusted_sender = true\nenabled = true"),
    )
    wait_until(lambda: _taken_by_cmpp(instance))
    write(instance, phone, f"查账号 {TAIL}")
    assert "共关联" in texts(instance, phone, 2)[1]
    apply(instance, ("trusted_sender = true\nenabled = true", "trusted_sender = false\nenabled = true"))
    other = str(next(numbers))
    wait_until(lambda: _asks_for_digits(instance, str(next(numbers))))
    write(instance, other, "查账号")
    (digits,) = re.findall("数字([0-9]{4})", texts(instance, other, 1)[0])
    write(instance, other, TAIL)  # without the four digits nobody is asked
    (digits,) = re.findall("数字([0-9]{4})", texts(instance, other, 2)[1])
    write(instance, other, f"{digits} {TAIL}")
    assert "已受理" in texts(instance, other, 3)[2]
    assert "共关联" in texts(instance, other, 4)[3]


def _taken_by_cmpp(instance: Instance) -> bool:
    phone = str(next(numbers))
    write(instance, phone, "查卡")
    with suppress(TimeoutError):
        return len(instance.wait_for_messages(phone, 1, seconds=3)) == 1
    return False


def _asks_for_digits(instance: Instance, phone: str) -> bool:
    write(instance, phone, "查账号")
    return "和数字" in texts(instance, phone, 1)[0]
