"""The supervisor with tiny stand-ins for its children."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from config.processes.supervisor import Child, answers
from tests.support.servers import free_port as find_free_port
from tests.support.servers import wait_until

SUPERVISOR = """
import ast, sys, time
from config.processes.supervisor import STOP_S, Child, Supervisor, print_line
STOP_S.update(ast.literal_eval(sys.argv[2]))
print_line("pages http://127.0.0.1:1/")
children = [Child(**words) for words in ast.literal_eval(sys.argv[1])]
children += [Child("forked", run=lambda: time.sleep(600))] if "--forked" in sys.argv[1] else []
sys.exit(Supervisor([child for child in children if child.name != "--forked"], print_line).run())
"""
SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(600)"
SERVER = """
import http.server, pathlib, sys, time
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == '/health/ready' else 404)
        self.end_headers()
    def log_message(self, *words): pass
time.sleep(0.5)
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Ready)
pathlib.Path(sys.argv[2]).touch()
server.serve_forever()
"""


PATIENT = {1: 60.0, 0: 60.0}
"""A supervisor that would wait so long: who is gone soon all the same was gone at once."""


def python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


class Watched:
    """A running supervisor and what it has said so far."""

    def __init__(self, children: list[Child], stop_s: dict[int, float] | None = None) -> None:
        command = [sys.executable, "-c", SUPERVISOR, repr([asdict(child) for child in children]), repr(stop_s or {})]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines: list[str] = []
        self.family: set[psutil.Process] = set()

    def until(self, words: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return self.lines[-1]
        raise AssertionError(f"never said {words!r}: {self.lines}")

    def children(self) -> list[psutil.Process]:
        """Everything below the supervisor except its guard."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.family.update(below)
        return [one for one in below if words_of(one)[:2] != ["onecert", "guard"]]

    def seconds_until_all_are_gone(self) -> float:
        """Counted in looks, of which a machine that is busy with something else grants fewer a second."""
        looks = 0
        while any(is_running(one) for one in self.family) or self.process.poll() is None:
            looks += 1
            assert looks < 500, [one for one in self.family if is_running(one)]
            time.sleep(0.02)
        return looks * 0.02


def words_of(one: psutil.Process) -> list[str]:
    """Return what it was started with; nothing of one that is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(one.cmdline())
    return []


def is_running(one: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.fixture
def watch() -> Iterator[type[Watched]]:
    started: list[Watched] = []

    class Remembered(Watched):
        def __init__(self, children: list[Child], stop_s: dict[int, float] | None = None) -> None:
            super().__init__(children, stop_s)
            started.append(self)

    yield Remembered
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
        one.process.wait(60)
        if one.process.stdout:
            one.process.stdout.close()


def test_addresses_come_first_and_ready_comes_when_a_request_would_be_answered(
    watch: type[Watched], free_port: int, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{free_port}/health/ready"
    watched = watch([Child("web", python(SERVER, str(free_port), str(tmp_path / "serves")), ready=address)])
    assert watched.until("pages")
    assert watched.until("ready") == "ready"
    assert (tmp_path / "serves").exists()
    assert answers(address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_takes_all_away_within_five_seconds_even_who_ignores_it(
    watch: type[Watched], number: signal.Signals
) -> None:
    children = [
        Child("redis", python(STUBBORN), stage=0),
        Child("deaf", python(STUBBORN)),
        Child("parent", python(PARENT, STUBBORN)),
        Child("sleeper", python(SLEEPER)),
    ]
    watched = watch(children)
    watched.until("ready")
    wait_for_family(watched, 5)
    watched.process.send_signal(number)
    assert watched.seconds_until_all_are_gone() < 5
    assert watched.process.returncode == 0


def test_well_behaved_children_are_gone_at_once(watch: type[Watched]) -> None:
    watched = watch([Child(f"worker {number}", python(SLEEPER)) for number in (1, 2)], PATIENT)
    watched.until("ready")
    wait_for_family(watched, 2)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.seconds_until_all_are_gone() < 5


def test_a_killed_child_is_started_again_and_said_so(watch: type[Watched]) -> None:
    watched = watch([Child("worker 1", python(SLEEPER)), Child("worker 2", python(SLEEPER))])
    watched.until("ready")
    first, other = wait_for_family(watched, 2)
    first.kill()
    assert watched.until("worker 1") == f"worker 1 (pid {first.pid}) was killed by SIGKILL; starting it again in 0.2 s"
    again = wait_for_family(watched, 2)
    assert other in again
    assert first not in again


def test_a_child_that_keeps_ending_is_given_ever_longer_pauses(watch: type[Watched]) -> None:
    watched = watch([Child("clock", python("raise SystemExit(3)"))])
    assert "ended with status 3; starting it again in 0.2 s" in watched.until("clock")
    assert watched.until("clock").endswith("in 0.5 s")
    assert watched.until("clock").endswith("in 1 s")


def test_what_a_crashed_child_had_started_goes_with_it(watch: type[Watched]) -> None:
    watched = watch([Child("web", python(PARENT, STUBBORN))])
    watched.until("ready")
    parent, below = sorted(wait_for_family(watched, 2), key=lambda one: one.pid)
    parent.kill()
    watched.until("starting it again")
    wait_until(lambda: not is_running(below))


def test_a_killed_supervisor_leaves_nobody(watch: type[Watched]) -> None:
    watched = watch([Child("deaf", python(STUBBORN)), Child("parent", python(PARENT, SLEEPER))])
    watched.until("ready")
    wait_for_family(watched, 3)
    watched.process.kill()
    assert watched.seconds_until_all_are_gone() < 5


def test_a_child_that_never_gets_ready_ends_the_start(watch: type[Watched]) -> None:
    watched = watch(
        [Child("web", python("raise SystemExit(1)"), ready="http://127.0.0.1:1/"), Child("worker", python(SLEEPER))]
    )
    assert "web does not start" in watched.until("Giving up")
    assert watched.process.wait(60) == 1


def test_a_command_that_is_not_there_ends_the_start(watch: type[Watched], tmp_path: Path) -> None:
    watched = watch([Child("redis", [str(tmp_path / "none")], stage=0, ready=f"redis:{tmp_path}/none.sock")])
    assert "ended with status 1" in watched.until("redis")
    watched.until("Giving up")
    assert watched.process.wait(60) == 1


def test_the_second_stage_waits_for_the_first(watch: type[Watched], free_port: int, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    peek = "import pathlib, sys, socket; socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
    peek += "pathlib.Path(sys.argv[2]).touch(); import time; time.sleep(60)"
    watched = watch(
        [
            Child("worker", python(peek, str(free_port), str(seen))),
            Child(
                "first",
                python(SERVER, str(free_port), str(tmp_path / "serves")),
                stage=0,
                ready=f"http://127.0.0.1:{free_port}/health/ready",
            ),
        ]
    )
    watched.until("ready")
    wait_until(seen.exists)
    assert not [line for line in watched.lines if "starting it again" in line]


def test_the_supervisor_is_light(watch: type[Watched]) -> None:
    watched = watch([Child("sleeper", python(SLEEPER))])
    watched.until("ready")
    below = psutil.Process(watched.process.pid)
    together = sum(one.memory_full_info().uss for one in [below, *guards(below)])
    assert together < 25_000_000


def test_a_forked_child_is_known_by_its_name_and_treated_like_the_others(watch: type[Watched]) -> None:
    watched = watch([Child("--forked"), Child("sleeper", python(SLEEPER))], PATIENT)
    watched.until("ready")
    wait_for_family(watched, 2)
    [forked] = [one for one in watched.children() if words_of(one)[:2] == ["onecert", "forked"]]
    forked.kill()
    assert f"forked (pid {forked.pid}) was killed by SIGKILL" in watched.until("forked")
    wait_for_family(watched, 2)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.seconds_until_all_are_gone() < 5


def guards(supervisor: psutil.Process) -> list[psutil.Process]:
    return [one for one in supervisor.children() if words_of(one)[:2] == ["onecert", "guard"]]


def wait_for_family(watched: Watched, count: int) -> list[psutil.Process]:
    """Wait until `count` children have become what they are to be, and the stubborn ones ignore SIGTERM."""
    found: list[psutil.Process] = []

    def is_whole() -> bool:
        found[:] = [one for one in watched.children() if is_running(one)]
        return len(found) == count and all(has_begun(one) for one in found)

    wait_until(is_whole)
    return sorted(found, key=lambda one: one.pid)


def has_begun(one: psutil.Process) -> bool:
    """Return whether it does what its program says: a fork bears its parent's name until then."""
    name, code = [*words_of(one), "", "", ""][0:3:2]
    return name == "onecert" or code in (SLEEPER, PARENT) or (code == STUBBORN and is_deaf(one))


def is_deaf(one: psutil.Process) -> bool:
    """Return whether it ignores SIGTERM."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{one.pid}/status").read_text().split()
        return bool(int(words[words.index("SigIgn:") + 1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


@pytest.fixture
def free_port() -> int:
    return find_free_port()
