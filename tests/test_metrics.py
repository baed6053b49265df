"""/metrics of a running instance tells what all of its processes counted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.instances import ONECERT, Citizen, Instance, clean_environment, private_instance
from tests.support.servers import free_port, wait_until

PHONE = "13800138000"


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, str]]:
    """An instance with one worker, and where its numbers are."""
    bind = f"127.0.0.1:{free_port()}"
    settings = {"ONECERT_METRICS_BIND": bind}
    with private_instance(tmp_path_factory.mktemp("metrics"), "--workers", "1", **settings) as instance:
        yield instance, f"http://{bind}/metrics"


def number(url: str, series: str) -> float:
    text = requests.get(url, timeout=60).text
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def inquire(instance: Instance, phone: str) -> None:
    citizen = Citizen(instance, phone)
    assert citizen.submit(citizen.receive_code()).status_code == 202
    instance.wait_for_messages(phone, 2)


def pid_of(instance: Instance, name: str) -> int:
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(instance.pid)], capture_output=True, text=True, check=True
    )
    return next((int(line.split()[0]) for line in listed.stdout.splitlines() if name in line), 0)


def test_web_worker_and_gateway_are_seen_and_a_killed_worker_counts_on(counted: tuple[Instance, str]) -> None:
    instance, url = counted
    accepted = 'onecert_inquiries_accepted_total{service="internet-accounts"}'
    asked = 'onecert_partner_calls_total{outcome="ok",partner="tencent"}'
    sent = 'onecert_messages_total{lane="reply",outcome="accepted"}'
    took, replied = 'onecert_partner_call_seconds_count{partner="tencent"}', "onecert_reply_seconds_count"
    inquire(instance, PHONE)
    wait_until(lambda: [number(url, one) for one in (accepted, asked, took, sent, replied)] == [1] * 5)
    before = pid_of(instance, "worker")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of(instance, "worker") not in (0, before))
    inquire(instance, "13800138001")
    wait_until(lambda: [number(url, one) for one in (accepted, asked, took, sent, replied)] == [2] * 5)
    assert PHONE not in requests.get(url, timeout=60).text


def test_a_host_without_a_clock_serves_its_own_numbers(counted: tuple[Instance, str], tmp_path: Path) -> None:
    instance, _ = counted
    bind = f"127.0.0.1:{free_port()}"
    environment = clean_environment(Path(instance.environment["ONECERT_DATA"]), ONECERT_METRICS_BIND=bind)
    with subprocess.Popen([ONECERT, "metrics"], env=environment, stderr=subprocess.PIPE) as child:
        try:
            Citizen(instance, "13800138002").receive_code()
            wait_until(lambda: _answers(bind))
            sent = 'onecert_messages_total{lane="code",outcome="accepted"}'
            wait_until(lambda: number(f"http://{bind}/metrics", sent) >= 1)
        finally:
            child.terminate()
        assert child.wait(60) == 0


def _answers(bind: str) -> bool:
    try:
        return requests.get(f"http://{bind}/metrics", timeout=5).ok
    except requests.RequestException:
        return False
