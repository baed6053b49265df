"""A flood of code requests without identity, from one address and from a thousand, each in a network of its own.

Told are the SMS that it causes, and the time to a code of citizens who come through an official account meanwhile, from
the request to the SMS at the gateway. The human check is off, as in the sandbox: these are the budgets alone.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from config.db.engine import reading
from config.ground import Ground
from query.access.tickets import Ticket, build_ticket
from query.models import code_sent
from tests.bench.instances import ground_of
from tests.support.instances import Instance, private_instance
from tests.support.servers import wait_until

SECONDS, SENDERS, PAUSE_S = 60.0, 4, 1.0
ADDRESSES = {
    "one_address": ["198.51.100.7"],
    "thousand_addresses": [f"{100 + n // 250}.{n % 250}.7.7" for n in range(1000)],
}
SERVICE = "internet-accounts"


class Flood:
    """Sessions and codes as fast as they go, each with the next address and a number nobody asked about."""

    def __init__(self, instance: Instance, addresses: list[str], first: int) -> None:
        self.url = f"{instance.url}/api/v1"
        self.addresses = itertools.cycle(addresses)
        self.numbers = itertools.count(first)
        self.statuses: Counter[int] = Counter()
        self.stop = threading.Event()

    def run(self) -> None:
        """Send until it is stopped; four codes a session."""
        with requests.Session() as http:
            http.trust_env = False
            while not self.stop.is_set():
                headers = {"X-Forwarded-For": next(self.addresses)}
                opened = http.post(f"{self.url}/sessions", json={"entrance": "web"}, headers=headers, timeout=60)
                if opened.status_code != 201:
                    self.statuses[opened.status_code] += 1
                    continue
                headers["Authorization"] = f"Bearer {opened.json()['token']}"
                for _ in range(4):
                    body = {"service": SERVICE, "phone": f"139{next(self.numbers):08d}"}
                    asked = http.post(f"{self.url}/verification-codes", json=body, headers=headers, timeout=60)
                    self.statuses[asked.status_code] += 1


def code_ms(instance: Instance, ground: Ground, number: int) -> float:
    """Milliseconds until a citizen with an openid has the code."""
    phone, openid = f"137{number:08d}", f"oBench{number}"
    ticket = build_ticket(ground.keys, Ticket("gxwbwx", openid, ground.clock.now()))
    headers = {"X-Forwarded-For": f"203.0.113.{number % 250}"}
    with requests.Session() as http:
        http.trust_env = False
        proof = {"entrance": "gxwbwx", "ticket": ticket}
        opened = http.post(f"{instance.url}/api/v1/sessions", json=proof, headers=headers, timeout=60)
        assert opened.status_code == 201, opened.text
        headers["Authorization"] = f"Bearer {opened.json()['token']}"
        begun = time.monotonic()
        body = {"service": SERVICE, "phone": phone}
        asked = http.post(f"{instance.url}/api/v1/verification-codes", json=body, headers=headers, timeout=60)
        assert asked.status_code == 202, asked.text
        wait_until(lambda: bool(instance.codes(phone)), 90)
        return (time.monotonic() - begun) * 1000


def codes_owed(ground: Ground, *, identified: bool) -> int:
    with reading(ground.engine) as db:
        mine = code_sent.c.identified == identified
        return int(db.execute(select(func.count()).select_from(code_sent).where(mine)).scalar_one())


def flood(instance: Instance, ground: Ground, addresses: list[str], turn: int, seconds: float) -> dict[str, Any]:
    """One flood, and the codes of one citizen a second beside it."""
    before = codes_owed(ground, identified=False)
    attack = Flood(instance, addresses, turn * 10_000_000)
    threads = [threading.Thread(target=attack.run) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    waits: list[float] = []
    try:
        while time.monotonic() < until:
            waits.append(code_ms(instance, ground, turn * 1000 + len(waits)))
            time.sleep(PAUSE_S)
    finally:
        attack.stop.set()
        for thread in threads:
            thread.join()
    waits.sort()
    return {
        "seconds": seconds,
        "requests": sum(attack.statuses.values()),
        "refused": sum(count for status, count in attack.statuses.items() if status >= 400),
        "sms_caused": codes_owed(ground, identified=False) - before,
        "citizens": len(waits),
        "citizen_p50_ms": round(waits[len(waits) // 2], 1),
        "citizen_p99_ms": round(waits[-(-len(waits) * 99 // 100) - 1], 1),
    }


def measure(seconds: float = SECONDS) -> dict[str, Any]:
    """Both floods, each against an instance of its own on the embedded default behind one trusted proxy."""
    found: dict[str, Any] = {}
    for turn, (name, addresses) in enumerate(ADDRESSES.items(), 1):
        with tempfile.TemporaryDirectory(prefix="onecert-flood-") as directory:
            proxied = {"ONECERT_TRUSTED_PROXIES": "1"}
            with private_instance(Path(directory), **proxied) as instance, ground_of(instance) as ground:
                found[name] = flood(instance, ground, addresses, turn, seconds)
    return found
