from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, values

from config.net.http_client import HttpClient
from config.telemetry import metric_files, metrics
from tests.support.servers import free_port

FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def own_meters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test counts from 0, and leaves the others' way of counting as it was."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(metrics.Metrics, "shared", None)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    metrics._meters.cache_clear()
    yield
    metrics._meters.cache_clear()


def sample(name: str, **labels: str) -> float:
    return metrics.numbers().get_sample_value(name, labels) or 0


def in_a_process(work: Callable[[], Any], *, killed: bool = False) -> None:
    """Do it in a forked process that ends by itself, or by SIGKILL."""

    def run() -> None:
        work()
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)

    child = FORK.Process(target=run)
    child.start()
    child.join(90)
    assert child.exitcode == (-signal.SIGKILL if killed else 0)


def test_the_backlog_is_told_in_seconds_and_numbers() -> None:
    metrics.set_backlog(now=1_795_327_500_000, oldest_due_ms=1500, messages_owed=3, inquiries_open=7)
    assert sample("onecert_oldest_due_question_seconds") == 1.5
    assert sample("onecert_messages_owed") == 3
    assert sample("onecert_inquiries_open") == 7
    assert sample("onecert_last_sweep_timestamp_seconds") == 1_795_327_500


def count_one_of_each() -> None:
    metrics.count_accepted("phone-cards")
    metrics.count_call("tencent", "ok", 250)
    metrics.count_messages("code", "accepted", 1)
    metrics.observe_reply(250)


def counted() -> list[float]:
    return [
        sample("onecert_inquiries_accepted_total", service="phone-cards"),
        sample("onecert_partner_calls_total", outcome="ok", partner="tencent"),
        sample("onecert_partner_call_seconds_sum", partner="tencent") * 4,
        sample("onecert_messages_total", lane="code", outcome="accepted"),
        sample("onecert_reply_seconds_bucket", le="0.3"),
    ]


def test_what_happened_is_counted() -> None:
    count_one_of_each()
    assert counted() == [1] * 5


def test_what_every_process_counts_is_added_up(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    count_one_of_each()
    for _ in range(3):
        in_a_process(count_one_of_each)
    assert counted() == [4] * 5


def test_a_killed_process_takes_nothing_along_and_the_next_one_counts_on_in_its_place(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    for _ in range(5):
        in_a_process(count_one_of_each, killed=True)
        assert counted()[0] == counted()[4]
    assert counted() == [5] * 5
    assert len(list((tmp_path / metric_files.DIRECTORY).glob("counter_*.db"))) == 2  # the parent has one too


def test_processes_that_count_at_once_keep_out_of_each_others_files(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    count_one_of_each()  # the parent has its files open when it forks
    children = [FORK.Process(target=lambda: [count_one_of_each() for _ in range(200)]) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(90)
    count_one_of_each()
    assert counted() == [802] * 5


def test_of_two_clocks_the_later_one_is_believed(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    metrics.set_backlog(now=1000, oldest_due_ms=9000, messages_owed=9, inquiries_open=9)
    in_a_process(lambda: metrics.set_backlog(now=2000, oldest_due_ms=0, messages_owed=1, inquiries_open=2))
    assert sample("onecert_messages_owed") == 1
    assert sample("onecert_last_sweep_timestamp_seconds") == 2


def test_a_new_start_of_everything_counts_from_nothing(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    in_a_process(count_one_of_each)
    metric_files.clear(tmp_path)
    assert counted() == [0] * 5


def test_where_nothing_can_be_kept_a_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    metrics.use_directory(tmp_path / "file")
    count_one_of_each()
    assert counted() == [1] * 5


def test_a_full_disk_keeps_nobody_from_working(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    metrics.use_directory(tmp_path)

    def work_on_a_full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
        count_one_of_each()
        count_one_of_each()

    in_a_process(work_on_a_full_disk)
    assert "".join(capfd.readouterr()).count("metrics_lost") == 1
    in_a_process(count_one_of_each)
    assert counted() == [1] * 5


def test_only_the_own_user_may_read_what_is_counted(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    assert (tmp_path / metric_files.DIRECTORY).stat().st_mode & 0o777 == 0o700


def test_the_numbers_are_served_on_the_internal_bind(tmp_path: Path) -> None:
    metrics.use_directory(tmp_path)
    bind, http = f"127.0.0.1:{free_port()}", HttpClient()
    stop = metrics.serve(bind)
    in_a_process(count_one_of_each)
    answer = http.get(f"http://{bind}/metrics")
    http.close()
    stop()
    assert answer.status == 200
    assert b'onecert_inquiries_accepted_total{service="phone-cards"} 1.0' in answer.body
    assert b"process_resident_memory_bytes" in answer.body
    assert isinstance(metrics.numbers(), CollectorRegistry)
