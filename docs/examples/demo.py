"""One citizen's whole inquiry against a private throw-away instance: menu tap, page, code, submission, SMS.

`WITH=objection` goes on: an objection with a report, a reopening by text, and an alert about a new account.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import requests

T = TypeVar("T")
ONECERT = str(Path(sys.executable).with_name("onecert"))
ACCOUNT, PHONE, ID_TAIL = "gxwbwx", "13800138000", "12345X"
TIMEOUT = (2, 5)


def say(who: str, what: str) -> None:
    """Print one line (or an indented block) of the transcript."""
    first, *rest = what.splitlines() or [""]
    sys.stdout.write("\n".join([f"{who:>12}  {first}", *(f"{'':>12}  {line}" for line in rest)]) + "\n")


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on at this moment."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def wait_for(look: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Look every 20 ms until there is something; raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {seconds:.0f} s")
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def instance(directory: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """`onecert up` on free ports with its data in `directory`: (address, sandbox's address, its environment)."""
    port, sandbox_port = free_ports(2)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONECERT_")}
    environment |= {"ONECERT_DATA": str(directory), "ONECERT_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    command = [ONECERT, "up", "--port", str(port), "--sandbox-port", str(sandbox_port), "--data", str(directory)]
    with (directory / "up.log").open("w") as log:
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603
        try:
            if not any(line.strip() == "ready" for line in child.stdout or ()):
                raise SystemExit(f"the instance did not start:\n{(directory / 'up.log').read_text()[-2000:]}")
            yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}", environment
        finally:
            child.terminate()
            child.wait(10)


def choose_link(link: str, environment: dict[str, str]) -> None:
    """Have everything sent over that link of the catalogue: one change of the catalogue."""
    document = subprocess.run([ONECERT, "config", "show"], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    head, *links = re.split(r"(?m)^(?=\[\[links\]\])", document.stdout)
    wanted = f'code = "{link}"'
    switched = [re.sub(r"(?m)^enabled = \w+", f"enabled = {str(wanted in one).lower()}", one, count=1) for one in links]
    command = [ONECERT, "config", "apply", "/dev/stdin", "--note", f"send over {link}", "--yes"]
    text = head + "".join(switched)
    subprocess.run(command, env=environment, input=text, capture_output=True, text=True, check=True)  # noqa: S603
    say("operator", f"config apply: everything is sent over the link {link} from now on")


def tap_the_menu(url: str, environment: dict[str, str]) -> str:
    """Play WeChat's push of a menu tap; returns the link to the internet accounts page."""
    command = [ONECERT, "account", "push", ACCOUNT, "click", "ONECERT", "--url", url]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603
    say("WeChat", "tap on 政务服务 > 一证通查")
    say("answer", re.sub(r"ticket=[^\"&]+", "ticket=…", answer.strip()))
    links: list[str] = re.findall(r'href="([^"]+)"', answer)
    return links[0]


class Citizen:
    """A person with a browser and a phone (the sandbox's)."""

    def __init__(self, url: str, sandbox: str) -> None:
        self.url, self.sandbox = url, sandbox
        self.browser = requests.Session()
        self.browser.trust_env = False

    def open_page(self, link: str) -> None:
        """Open the page behind the link; its form holds the session that the API calls need."""
        page = self.browser.get(link, timeout=TIMEOUT)
        page.raise_for_status()
        title = re.search(r"<title>([^<]+)</title>", page.text)
        token = re.search(r'name="session" value="([^"]+)"', page.text)
        if not title or not token:
            raise SystemExit("the page has no form")
        self.browser.headers["Authorization"] = f"Bearer {token[1]}"
        say("page", f"{title[1]} ({len(page.content):,} bytes)")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """One API call; anything but success ends the demo."""
        answer = self.browser.request(
            method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
        )
        if not answer.ok:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        found: dict[str, Any] = answer.json()
        return found

    def next_message(self, already: int) -> dict[str, Any]:
        """The message that follows the first `already` ones."""

        def look() -> dict[str, Any] | None:
            found: list[dict[str, Any]] = requests.get(
                f"{self.sandbox}/messages", params={"phone": PHONE}, timeout=TIMEOUT
            ).json()
            return found[already] if len(found) > already else None

        return wait_for(look)


def inquire(citizen: Citizen) -> str:
    """Code, submission, progress, SMS; returns the reference."""
    sent = citizen.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": PHONE})
    say("API", f"202 code sent to {sent['phone']}, valid for {sent['expires_in']} s")
    message = citizen.next_message(0)
    say("SMS", f"{message['from']}: {message['text']}")
    code = re.findall(r"验证码(\d{6})", message["text"])[0]
    form = {"service": "internet-accounts", "phone": PHONE, "id_tail": ID_TAIL, "code": code, "consent": True}
    started = time.monotonic()
    accepted = citizen.call("POST", "/inquiries", form, **{"Idempotency-Key": str(uuid.uuid4())})
    say("API", f"202 accepted, reference {accepted['reference']}, reply by {accepted['reply_by']}")
    reply = citizen.next_message(1)
    say("SMS", f"{reply['from']}: {reply['text']}")
    say("", f"{(time.monotonic() - started) * 1000:.0f} ms from submission to SMS, {reply['parts']} parts")
    path = f"/inquiries/{accepted['reference']}"
    wait_for(lambda: citizen.call("GET", path)["status"] == "closed" or None)
    say("page", f"{path}: 短信已发出，请查收")
    return str(accepted["reference"])


def shorten_code_gap(environment: dict[str, str]) -> None:
    """Let a number have its second code at once, as the demo needs two: one change of the catalogue."""
    shown = subprocess.run([ONECERT, "config", "show"], env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    text = shown.stdout.replace("code_per_phone_gap_s = 60", "code_per_phone_gap_s = 1")
    command = [ONECERT, "config", "apply", "/dev/stdin", "--note", "two codes in a demo", "--yes"]
    subprocess.run(command, env=environment, input=text, capture_output=True, text=True, check=True)  # noqa: S603
    say("operator", "config apply: a number may have its next code after 1 s")


def object_to_accounts(citizen: Citizen, seen: int) -> int:
    """An objection: code, relay, a company that reports later, SMS, and a reopening by text; returns texts seen."""
    requests.post(f"{citizen.sandbox}/behaviour", json={"side": "jd", "requests": "accept"}, timeout=TIMEOUT)
    citizen.call("POST", "/verification-codes", {"service": "objection", "phone": PHONE})
    code = re.findall(r"验证码(\d{6})", citizen.next_message(seen)["text"])[0]
    form = {"wish": "dispute", "applications": ["weixin", "jd"], "phone": PHONE, "id_tail": ID_TAIL}
    started = time.monotonic()
    accepted = citizen.call("POST", "/objections", {**form, "code": code, "consent": True})
    say("API", f"202 objection {accepted['reference']}: weixin and jd, due {accepted['due']}")
    for number in (seen + 1, seen + 2):
        message = citizen.next_message(number)
        say("SMS", f"{message['from']}: {message['text']}")
    say("", f"{(time.monotonic() - started) * 1000:.0f} ms until both companies had answered, one of them by a report")
    say("citizen", "answers 2")
    requests.post(f"{citizen.sandbox}/phone/{PHONE}/texts", json={"text": "２"}, timeout=TIMEOUT)
    for number in (seen + 3, seen + 4):
        message = citizen.next_message(number)
        say("SMS", f"{message['from']}: {message['text']}")
    return seen + 5


def be_told_of_new_accounts(citizen: Citizen, reference: str, seen: int) -> None:
    """A watch from the closed inquiry, and a company's event."""
    citizen.browser.post(f"{citizen.url}/api/v1/watches", json={"reference": reference}, timeout=TIMEOUT)
    message = citizen.next_message(seen)
    say("SMS", f"{message['from']}: {message['text']}")
    event = {"event": {"phone": PHONE, "application": "weixin"}}

    def play() -> bool | None:
        told = requests.post(f"{citizen.sandbox}/partners/tencent/play", json=event, timeout=TIMEOUT)
        return True if told.status_code == 202 else None  # until the company has taken the watch

    wait_for(play)
    started = time.monotonic()
    say("company", "微信 has a new account of this number: POST /partners/tencent/events")
    message = citizen.next_message(seen + 1)
    say("SMS", f"{message['from']}: {message['text']}")
    say("", f"{(time.monotonic() - started) * 1000:.0f} ms from the event to the alert")


def main() -> None:
    """Play it all and print the transcript."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="onecert-demo-") as directory,
        instance(Path(directory)) as (url, sandbox, environment),
    ):
        say("", f"a private instance serves at {url} after {time.monotonic() - started:.1f} s")
        if (link := os.environ.get("LINK", "http")) != "http":
            choose_link(link, environment)
        if after_the_count := os.environ.get("WITH") == "objection":
            shorten_code_gap(environment)
        citizen = Citizen(url, sandbox)
        citizen.open_page(tap_the_menu(url, environment))
        reference = inquire(citizen)
        if after_the_count:
            be_told_of_new_accounts(citizen, reference, object_to_accounts(citizen, 2))
    say("", "done; the instance and its files are gone")


if __name__ == "__main__":
    main()
