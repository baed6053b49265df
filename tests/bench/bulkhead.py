"""One partner slow (10 s), one dead: how fast the six others answer, beside their undisturbed rate; two workers.

Two loads in each round. `steady`: inquiries arrive all the time, one commit each; each partner's answers are counted
over a window. `drain`: thousands are there at once, so that no worker is ever idle; the six are counted together,
since who comes first in so short a time is chance. The dead partner's host takes no connection: a call waits for it.

Rounds take turns, each on a database and Redis of its own: none inherits a breaker, a backlog or a lease. A disturbed
round sends no replies, which are work too. Therefore there is a third kind of round, in which the two answer at once
that they have no answer yet: beside it nothing differs but the waiting.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from config.db.engine import reading
from config.ground import Ground
from query.models import question, wave
from query.waves.questions import COUNT, QuestionState
from tests.bench.arrivals import store_at_once, store_steadily
from tests.bench.instances import ground_of, on_mariadb
from tests.support.instances import Instance
from tests.support.servers import silent_host, wait_until

SLOW, DEAD = "jd", "meituan"
SLOW_S = 10.0
KINDS = ("undisturbed", "unanswered", "disturbed")
OTHERS = ("tencent", "alibaba", "alipay", "douyin", "kuaishou", "baidu")
ARRIVALS_PER_S, LEAD_S, WINDOW_S = 100, 2.0, 10.0
DRAINED, WARM_UP, ROUNDS = 8_000, 500, 3

Rates = dict[str, float]


def answered(ground: Ground) -> dict[str, int]:
    """Inquiries that each of the others has answered so far."""
    items = func.sum(wave.c.n)
    done = select(question.c.partner, items).join(wave, wave.c.id == question.c.wave)
    done = done.where(question.c.kind == COUNT, question.c.state == QuestionState.DONE, question.c.partner.in_(OTHERS))
    with reading(ground.engine) as db:
        found = {partner: int(count) for partner, count in db.execute(done.group_by(question.c.partner)).tuples()}
    return {code: found.get(code, 0) for code in OTHERS}


def steady(ground: Ground, first: int) -> Rates:
    """Answers a second of each of the others, over a window in the middle of steady arrivals."""
    seconds = LEAD_S + WINDOW_S + 0.5
    feeder = threading.Thread(target=store_steadily, args=(ground, first, ARRIVALS_PER_S, seconds))
    feeder.start()
    time.sleep(LEAD_S)
    begun, before = time.monotonic(), answered(ground)
    time.sleep(WINDOW_S)
    after, elapsed = answered(ground), time.monotonic() - begun
    feeder.join()
    return {code: (after[code] - before[code]) / elapsed for code in OTHERS}


def drain(ground: Ground, first: int, inquiries: int) -> Rates:
    """Answers a second of the six together, from the moment that so many inquiries are there to the last answer."""
    wanted = sum(answered(ground).values()) + inquiries * len(OTHERS)
    store_at_once(ground, first, inquiries)
    begun = time.monotonic()
    ground.bell.ring("gather")

    def all_answered() -> bool:
        time.sleep(0.03)
        return sum(answered(ground).values()) >= wanted

    wait_until(all_answered, 120)
    return {"all": inquiries * len(OTHERS) / (time.monotonic() - begun)}


@contextmanager
def fresh(directory: Path, dead_port: int | None) -> Iterator[tuple[Instance, Ground]]:
    """A new instance; with `dead_port`, the dead partner's address is there."""
    with on_mariadb(directory, "--workers", "2") as instance, ground_of(instance) as ground:
        instance.behave("gateway", "no_receipt")
        document = re.sub(r"(?m)^read_s = \d+", "read_s = 12", instance.onecert("config", "show"))
        if dead_port is not None:
            address = f'base_url = "{{sandbox}}/partners/{DEAD}"'
            assert address in document
            document = document.replace(address, f'base_url = "http://127.0.0.1:{dead_port}"')
        path = directory / "bulkhead.toml"
        path.write_text(document)
        instance.onecert("config", "apply", str(path), "--note", "benchmark", "--yes")
        time.sleep(2.5)  # every process has seen it
        yield instance, ground


def one_round(directory: Path, kind: str) -> dict[str, Rates]:
    """Both loads, after a small drain that warms everything up and starts the disturbance."""
    with silent_host() as port, fresh(directory, port if kind == "disturbed" else None) as (instance, ground):
        if kind == "disturbed":
            instance.behave(SLOW, "slow", SLOW_S)
        elif kind == "unanswered":
            instance.behave(SLOW, "retry")
            instance.behave(DEAD, "retry")
        drain(ground, 90_000_000, WARM_UP)
        return {"steady": steady(ground, 1_000_000), "drain": drain(ground, 2_000_000, DRAINED)}


def measure(rounds: int = ROUNDS) -> dict[str, object]:
    """Medians, and the median ratios of neighbouring rounds; `ratio` is that of the partner that suffers most."""
    found: dict[str, list[dict[str, Rates]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:
        for turn in range(rounds):
            for kind in KINDS:
                found[kind].append(one_round(Path(name) / f"{kind}-{turn}", kind))
    steadily = {kind: [figures["steady"] for figures in rounds_of] for kind, rounds_of in found.items()}
    at_once = {kind: [figures["drain"] for figures in rounds_of] for kind, rounds_of in found.items()}
    return {
        "ratio": least_ratio(steadily, "undisturbed"),
        "drain_ratio": least_ratio(at_once, "undisturbed"),
        "drain_ratio_to_unanswered": least_ratio(at_once, "unanswered"),
        "steady_per_s": {kind: medians(figures) for kind, figures in steadily.items()},
        "drain_per_s": {kind: medians(figures)["all"] for kind, figures in at_once.items()},
    }


def medians(runs: list[Rates]) -> Rates:
    """Name by name."""
    return {name: round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}


def least_ratio(found: dict[str, list[Rates]], baseline: str) -> float:
    """The median ratio of neighbours in time, disturbed to baseline; the least of all names."""
    pairs = list(zip(found["disturbed"], found[baseline], strict=True))
    return round(min(statistics.median(hard[name] / calm[name] for hard, calm in pairs) for name in pairs[0][0]), 3)
