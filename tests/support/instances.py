"""A whole private instance (`onecert up`) for tests and benchmarks, and a citizen who uses it over HTTP."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.servers import free_port, wait_until

ONECERT = str(Path(sys.executable).with_name("onecert"))
TIMEOUT = (30, 60)
BROKEN = re.compile(r'"event": "(?:call|job|late_result|push|relay)_broken"')
"""The log lines of a process when a job, a call, a relay or a push ended in an error that nobody foresaw."""
ID_NUMBER = "11010519491231002X"
RUNNING: list[Instance] = []
"""The instances that this test process has started and not stopped yet."""


@dataclass(frozen=True)
class Instance:
    """Addresses, the environment its commands need, its supervisor's pid, and the seconds until it said `ready`."""

    url: str
    sandbox_url: str
    environment: dict[str, str]
    pid: int
    start_s: float
    log: Path

    def broken(self) -> list[str]:
        """The log lines so far that tell of a fault of the program (BROKEN)."""
        return broken_lines(self.log)

    def onecert(self, *words: str, stdin: str = "") -> str:
        """Run a command against this instance; its standard output."""
        command = [ONECERT, *words]
        done = subprocess.run(command, env=self.environment, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"onecert {' '.join(words)}: {done.stderr}"
        return done.stdout

    def behave(self, side: str, mode: str, seconds: float | None = None) -> None:
        """Tell the sandbox how a side behaves from now on."""
        body = {"side": side, "mode": mode} | ({"seconds": seconds} if seconds is not None else {})
        requests.post(f"{self.sandbox_url}/behaviour", json=body, timeout=TIMEOUT).raise_for_status()

    def messages(self, phone: str) -> list[dict[str, Any]]:
        """Return what the sandbox's phone has received, newest last."""
        answer = requests.get(f"{self.sandbox_url}/messages", params={"phone": phone}, timeout=TIMEOUT)
        found: list[dict[str, Any]] = answer.json()
        return found

    def wait_for_messages(self, phone: str, count: int, seconds: float = 90) -> list[dict[str, Any]]:
        """Wait until that number has received `count` messages."""
        wait_until(lambda: len(self.messages(phone)) >= count, seconds)
        return self.messages(phone)

    def codes(self, phone: str) -> list[str]:
        """The verification codes among them."""
        return [code for message in self.messages(phone) for code in re.findall(r"验证码(\d{6})", message["text"])]


def broken_lines(log: Path) -> list[str]:
    """The lines of a log that tell of a fault of the program (BROKEN)."""
    return [line for line in log.read_text().splitlines() if BROKEN.search(line)]


def clean_environment(directory: Path, **more: str) -> dict[str, str]:
    """This process's environment without any setting of ours but those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONECERT_")}
    return inherited | {"ONECERT_DATA": str(directory)} | more


@contextlib.contextmanager
def private_instance(directory: Path, *words: str, **settings: str) -> Iterator[Instance]:
    """Start `onecert up` on free ports with its files in `directory`; stopped, with all its children, at the end.

    Fails when one of them has logged a fault of the program, whatever the test itself looked at.
    """
    port, sandbox_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    # Nor are its other ports left to the defaults, which another instance that starts just now may find free as well.
    others = {name: f"127.0.0.1:{free_port()}" for name in ("ONECERT_METRICS_BIND", "ONECERT_SANDBOX_CMPP_BIND")}
    environment = clean_environment(directory, **{"ONECERT_PUBLIC_URL": url} | others | settings)
    command = [ONECERT, "up", "--port", str(port), "--sandbox-port", str(sandbox_port), "--data", str(directory)]
    log = directory / "up.log"
    started = time.monotonic()
    with log.open("w") as errors:
        child = subprocess.Popen(
            [*command, *words], cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )  # in its directory: nobody's .env is read
    try:
        assert any(line.strip() == "ready" for line in child.stdout or ()), log.read_text()[-3000:]
        elapsed = time.monotonic() - started
        instance = Instance(url, f"http://127.0.0.1:{sandbox_port}", environment, child.pid, elapsed, log)
        RUNNING.append(instance)
        yield instance
        assert not instance.broken()
    finally:
        RUNNING[:] = [other for other in RUNNING if other.pid != child.pid]
        child.send_signal(signal.SIGTERM)
        child.wait(60)
        if child.stdout:
            child.stdout.close()


class Citizen:
    """Someone with a session of the web entrance and a phone."""

    def __init__(self, instance: Instance, phone: str) -> None:
        self.instance, self.phone = instance, phone
        self.http = requests.Session()
        self.http.trust_env = False
        token = self.call("POST", "/sessions", {"entrance": "web"}).json()["token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> requests.Response:
        url = f"{self.instance.url}/api/v1{path}"
        return self.http.request(method, url, json=body, headers=headers, timeout=TIMEOUT)

    def receive_code(self, service: str = "internet-accounts") -> str:
        """Ask for a code and read it from the sandbox's phone."""
        before = len(self.instance.codes(self.phone))
        answer = self.call("POST", "/verification-codes", {"service": service, "phone": self.phone})
        assert answer.status_code == 202, answer.text
        wait_until(lambda: len(self.instance.codes(self.phone)) > before)
        return self.instance.codes(self.phone)[-1]

    def submit(self, code: str, id_tail: str = "12345X", **headers: str) -> requests.Response:
        """Submit an inquiry about internet accounts."""
        form = {"service": "internet-accounts", "phone": self.phone, "id_tail": id_tail, "code": code, "consent": True}
        return self.call("POST", "/inquiries", form, **headers)

    def submit_phone_cards(self, code: str, id_number: str = ID_NUMBER, **headers: str) -> requests.Response:
        """Submit an inquiry about phone cards."""
        form = {"service": "phone-cards", "phone": self.phone, "name": "王小明", "id_number": id_number}
        return self.call("POST", "/inquiries", {**form, "code": code, "consent": True}, **headers)
