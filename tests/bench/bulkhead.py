"""One partner slow (10 s), one dead: how fast the others are asked, beside their undisturbed rate; two workers."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.bench.instances import limits_off
from tests.instances import Citizen, Instance, private_instance
from tests.servers import free_port

SLOW, DEAD = "jd", "meituan"
SLOW_S = 10.0
INQUIRIES, ROUNDS = 150, 3
OTHERS = ("tencent", "alibaba", "alipay", "douyin", "kuaishou", "baidu")


def asked(instance: Instance) -> Counter[str]:
    """Items that each of the others has been asked about so far."""
    found: Counter[str] = Counter()
    for code in OTHERS:
        calls: list[dict[str, Any]] = requests.get(
            f"{instance.sandbox_url}/partners/{code}/received", timeout=10
        ).json()
        found[code] = sum(len(call["ids"]) for call in calls)
    return found


def rate(instance: Instance, first: int, inquiries: int = INQUIRIES) -> float:
    """Inquiries a second at which the slowest of the others is asked, from the first submission on."""
    with ThreadPoolExecutor(8) as pool:
        citizens = list(pool.map(lambda number: Citizen(instance, f"139{first + number:08}"), range(inquiries)))
        codes = list(pool.map(Citizen.receive_code, citizens))
        before, begun = asked(instance), time.monotonic()
        answers = list(pool.map(Citizen.submit, citizens, codes))
    assert {answer.status_code for answer in answers} == {202}
    while min((asked(instance) - before).get(code, 0) for code in OTHERS) < inquiries:
        if time.monotonic() - begun > 120:
            raise TimeoutError("the others are not asked")
        time.sleep(0.02)
    return inquiries / (time.monotonic() - begun)


def kill(instance: Instance, code: str) -> str:
    """Point a partner where nobody listens; returns the catalogue as it was."""
    document = instance.onecert("config", "show")
    changed = document.replace(
        f'base_url = "{{sandbox}}/partners/{code}"', f'base_url = "http://127.0.0.1:{free_port()}"'
    )
    assert changed != document
    apply(instance, changed)
    return document


def apply(instance: Instance, document: str) -> None:
    """Apply a catalogue, and wait until every process has seen it."""
    path = instance.log.with_name("bulkhead.toml")
    path.write_text(document)
    instance.onecert("config", "apply", str(path), "--note", "benchmark", "--yes")
    time.sleep(2.5)


def measure(inquiries: int = INQUIRIES, rounds: int = ROUNDS) -> dict[str, float]:
    """Medians over rounds in which the undisturbed and the disturbed turn follow each other."""
    calm, hard = [], []
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name, private_instance(Path(name)) as instance:
        limits_off(instance)
        apply(instance, re.sub(r"(?m)^read_s = \d+", "read_s = 12", instance.onecert("config", "show")))
        rate(instance, 0, 10)
        for turn in range(rounds):
            calm.append(rate(instance, (2 * turn + 1) * 1000, inquiries))
            document = kill(instance, DEAD)
            instance.behave(SLOW, "slow", SLOW_S)
            rate(instance, 50_000 + turn * 1000, 5)  # both are under way
            hard.append(rate(instance, (2 * turn + 2) * 1000, inquiries))
            instance.behave(SLOW, "ok")
            apply(instance, document)
    undisturbed, disturbed = statistics.median(calm), statistics.median(hard)
    return {
        "undisturbed_per_s": round(undisturbed, 1),
        "disturbed_per_s": round(disturbed, 1),
        "ratio": round(statistics.median(one / other for one, other in zip(hard, calm, strict=True)), 3),
    }
