"""Menu taps a second at the webhook, with all checks on, beside bare wechatpy + Flask and beside WeRoBot.

The same server, threads and load for all. Ours checks freshness, constant-time signatures and the app id, and puts two
sealed tickets into each answer; the peers answer a fixed text. Neither peer takes JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from config.bootstrap import bootstrap
from config.ground import Ground, make_ground
from config.settings import load_settings
from query.schema import upgrade
from tests.bench.taps import Request, build_request, fire
from tests.bench.webhook_peers import AES_KEY, APP_ID, TOKEN
from tests.support.instances import ONECERT, clean_environment
from tests.support.servers import free_port, redis_server, running, wait_until
from wechat.webhook.account_keys import read_account
from wechat.webhook.body import Format
from wechat.webhook.crypto import parse_aes_key
from wechat.webhook.player import build_event, build_push, make_openid
from wechat.webhook.push import AccountKeys, Mode

TAPS = int(os.environ.get("ONECERT_BENCH_TAPS", "1500"))
ROUNDS = 7
MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
MODES: dict[str, tuple[Mode, Format]] = {"plain": ("plain", "xml"), "safe": ("safe", "xml"), "json": ("plain", "json")}
EXPECTED = {"plain": "您想查哪一项".encode(), "safe": b"<Encrypt>", "json": "您想查哪一项".encode()}
PEER_KEYS = AccountKeys("bench", APP_ID, "plain", (TOKEN,), (parse_aes_key(AES_KEY),))


def measure() -> dict[str, object]:
    """Medians of `ROUNDS` rounds, all sides in turn, every other round backwards; nothing is faster for coming first.

    A ratio is the median of those within a round, and the lesser of those in plain and in safe mode.
    """
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        ground = stack.enter_context(prepared(directory))
        ours = stack.enter_context(serving([ONECERT, "web"], directory, environment=environment(ground)))
        keys = {"plain": "caict", "safe": "gxwbwx", "json": "caict"}
        sides = {
            ("onecert", mode): (*ours, f"/wechat/{code}", read_account(ground, code).keys)
            for mode, code in keys.items()
        }
        for peer in ("wechatpy", "werobot"):
            for mode in ("plain", "safe"):
                command = [sys.executable, "-m", "tests.bench.webhook_peers", peer, mode]
                sides[peer, mode] = (*stack.enter_context(serving(command, directory)), "/wechat", PEER_KEYS)
        found: dict[tuple[str, str], list[dict[str, float]]] = {side: [] for side in sides}
        for turn in range(ROUNDS):
            for side in list(sides)[:: -1 if turn % 2 else 1]:
                port, pid, path, account = sides[side]
                fire(port, pid, taps(account, path, side[1], TAPS // 10))
                found[side].append(fire(port, pid, taps(account, path, side[1], TAPS)))
    return summary(found)


def summary(found: dict[tuple[str, str], list[dict[str, float]]]) -> dict[str, object]:
    """The medians by side and mode, and the ratios."""
    middle = {
        side: {key: round(statistics.median(turn[key] for turn in turns), 2) for key in turns[0]}
        for side, turns in found.items()
    }
    figures: dict[str, object] = {}
    for peer in ("wechatpy", "werobot"):
        ratios = {mode: _ratio(found["onecert", mode], found[peer, mode]) for mode in ("plain", "safe")}
        figures[f"ratio_to_{peer}"] = min(ratios.values())
        figures[f"ratios_to_{peer}"] = ratios
    for (side, mode), values in middle.items():
        figures.setdefault(side, {})[mode] = values  # type: ignore[index]
    return figures


def _ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return round(statistics.median(our["per_second"] / their["per_second"] for our, their in pairs), 2)


def taps(account: AccountKeys, path: str, name: str, count: int) -> list[Request]:
    """Return `count` taps, each of another citizen."""
    mode, form = MODES[name]
    now = int(time.time() * 1000)
    tap = build_event("CLICK", "ONECERT")
    made = (build_push(account, tap, openid=make_openid(), mode=mode, form=form, now=now) for _ in range(count))
    return [build_request(f"{path}?{push.query}", push.body, push.media, EXPECTED[name]) for push in made]


@contextlib.contextmanager
def prepared(directory: Path) -> Iterator[Ground]:
    """A database, a Redis and a Ground on them."""
    with redis_server(directory) as redis_url:
        settings = load_settings(
            {
                "ONECERT_DATABASE_URL": f"sqlite:///{directory / 'onecert.db'}",
                "ONECERT_REDIS_URL": redis_url,
                "ONECERT_DATA": str(directory),
                "ONECERT_MASTER_KEY": MASTER_KEY,
            }
        )
        ground = make_ground(settings)
        bootstrap(ground, upgrade, None)
        yield ground
        ground.engine.dispose()


def environment(ground: Ground) -> dict[str, str]:
    """Return what our own server needs."""
    return clean_environment(
        ground.settings.data,
        ONECERT_DATABASE_URL=ground.settings.database_url,
        ONECERT_REDIS_URL=ground.settings.redis_url,
        ONECERT_MASTER_KEY=MASTER_KEY,
        ONECERT_PUBLIC_URL="https://one.example",
    )


@contextlib.contextmanager
def serving(
    command: list[str], directory: Path, environment: dict[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """A server's port and pid, once it takes connections."""
    port = free_port()
    bind = f"127.0.0.1:{port}"
    if environment is None:
        command = [*command, bind]
    settings = (environment or dict(os.environ)) | {"ONECERT_BIND": bind}
    with running(command, directory / "servers.log", env=settings) as server:
        wait_until(lambda: _listens(port))
        yield port, server.pid
        server.terminate()
        server.wait(10)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
