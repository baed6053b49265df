import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from config.errors import OneCertError
from config.queue.bell import LONGEST_WAIT_S, QUEUE, Bell, gateway_bell, make_redis, ring_key
from config.queue.worker import make_worker
from tests.support.servers import wait_until

ROOT = Path(__file__).parents[3]
CANARY = "13800138000"


def run(redis: Redis, **jobs: Callable[..., None]) -> None:
    make_worker(redis, jobs).work(burst=True)


def test_a_ring_runs_the_job_with_its_argument(redis: Redis, bell: Bell) -> None:
    heard: list[str] = []
    bell.ring("ask", "china-mobile")
    run(redis, ask=heard.append)
    assert heard == ["china-mobile"]


def test_a_ring_without_an_argument_runs_the_job_without_one(redis: Redis, bell: Bell) -> None:
    heard: list[str] = []
    bell.ring("advance")
    run(redis, advance=lambda: heard.append("advance"))
    assert heard == ["advance"]


def test_rings_that_nobody_answered_yet_count_once(redis: Redis, bell: Bell) -> None:
    heard: list[str] = []
    for _ in range(10):
        bell.ring("ask", "tencent")
        bell.ring("ask", "jd")
    run(redis, ask=heard.append)
    assert heard == ["tencent", "jd"]


def test_several_jobs_are_rung_at_once_and_each_counts_once(redis: Redis, bell: Bell) -> None:
    heard: list[str] = []
    bell.ring("ask", "jd")
    bell.ring_all([("ask", "tencent"), ("ask", "jd"), ("advance", None)])
    bell.ring_all([])
    run(redis, ask=heard.append, advance=lambda: heard.append("advance"))
    assert heard == ["jd", "tencent", "advance"]


def test_a_ring_while_the_job_runs_makes_it_look_again(redis: Redis, bell: Bell) -> None:
    heard: list[str] = []

    def ask(partner: str) -> None:
        heard.append(partner)
        if len(heard) == 1:
            bell.ring("ask", partner)

    bell.ring("ask", "tencent")
    run(redis, ask=ask)
    assert heard == ["tencent", "tencent"]


def test_a_ring_that_got_lost_can_be_rung_again_after_five_seconds(redis: Redis, bell: Bell) -> None:
    bell.ring("ask", "tencent")
    assert 0 < redis.ttl(ring_key("ask", "tencent")) <= 5


@pytest.mark.parametrize("failure", [OneCertError("the partner is silent"), RuntimeError("a bug"), KeyError("x")])
def test_a_job_that_fails_leaves_nothing_and_the_worker_goes_on(redis: Redis, bell: Bell, failure: Any) -> None:
    heard: list[str] = []

    def fail() -> None:
        raise failure

    bell.ring("advance")
    bell.ring("ask", "tencent")
    run(redis, advance=fail, ask=heard.append)
    assert heard == ["tencent"]
    assert not list(redis.scan_iter("rq:job:*"))
    assert not list(redis.scan_iter("rq:failed:*"))


@pytest.mark.parametrize("name", ["", "a b", "os.system", "ASK", "查", "a" * 33])
def test_only_plain_names_can_be_rung(bell: Bell, name: str) -> None:
    with pytest.raises(ValueError):
        bell.ring(name)
    with pytest.raises(ValueError):
        bell.ring("ask", name)


def forge(redis: Redis, call: list[object], **fields: Any) -> None:
    job = Job.create(func="ask", args=("tencent",), connection=redis, serializer=JSONSerializer, origin=QUEUE)
    Queue(QUEUE, connection=redis, serializer=JSONSerializer).enqueue_job(job)
    changed: dict[Any, Any] = {"data": json.dumps(call), **fields}
    redis.hset(job.key, mapping=changed)


@pytest.mark.parametrize(
    "call",
    [
        ["os.system", None, ["touch {path}"], {}],
        ["ask", None, ["touch {path}"], {}],
        ["ask", None, ["tencent", "jd"], {}],
        ["ask", None, ["tencent"], {"more": 1}],
        ["system", "os", ["tencent"], {}],
        ["ask", None, [["tencent"]], {}],
        ["__class__", None, [], {}],
        ["unknown", None, [], {}],
        [["ask"], None, [], {}],
        "ask",
        [],
        None,
    ],
)
def test_what_a_redis_writer_puts_into_a_job_is_never_run(redis: Redis, tmp_path: Path, call: Any) -> None:
    heard: list[str] = []
    forge(redis, json.loads(json.dumps(call).replace("{path}", str(tmp_path / "broken"))))
    run(redis, ask=heard.append)
    assert heard == []
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"success_callback_name": "tests.config.queue.test_bell.never"},
        {"failure_callback_name": "tests.config.queue.test_bell.never"},
        {"stopped_callback_name": "os.abort"},
        {"webhooks": '[{"url": "http://127.0.0.1:1/", "job_status": "finished", "method": "POST", "headers": {}}]'},
        {"dependency_ids": '["x"]'},
        {"retries_left": "9"},
        {"repeats_left": "9", "repeat_intervals": "[0]"},
        {"group_id": "g"},
    ],
)
def test_a_job_with_callbacks_or_other_extras_is_refused(redis: Redis, fields: Any) -> None:
    heard: list[str] = []
    forge(redis, ["ask", None, ["tencent"], {}], **fields)
    run(redis, ask=heard.append)
    assert heard == []
    assert not list(redis.scan_iter("rq:job:*"))


def test_a_pickled_job_is_not_unpickled(redis: Redis, tmp_path: Path) -> None:
    heard: list[str] = []
    forge(redis, [])
    (key,) = redis.scan_iter("rq:job:*")
    redis.hset(key, "data", b"cos\nsystem\n(S'touch %s'\ntR." % str(tmp_path / "broken").encode())
    run(redis, ask=heard.append)
    assert not (tmp_path / "broken").exists()


def test_nothing_personal_is_ever_in_redis(redis: Redis, bell: Bell) -> None:
    def fail(partner: str) -> None:
        raise RuntimeError(f"no answer for {CANARY}")

    bell.ring("ask", "tencent")
    run(redis, ask=fail)
    bell.ring("ask", "jd")
    content = b"".join(redis.dump(key) or b"" for key in redis.scan_iter())
    assert CANARY.encode() not in content
    (job,) = redis.scan_iter("rq:job:*")
    assert redis.hget(job, "description") == b"onecert"


def test_the_gateway_is_woken_and_does_not_wake_twice(redis: Redis, bell: Bell) -> None:
    assert bell.wait_for_gateway(0.05) is None
    for _ in range(5):
        bell.notify_gateway()
    assert redis.llen(gateway_bell("")) == 1
    assert bell.wait_for_gateway(1) == ""
    assert bell.wait_for_gateway(0.05) is None


def test_the_gateway_hears_which_lane_is_rung(redis: Redis, bell: Bell) -> None:
    for lane in ("reply", "code", ""):
        bell.notify_gateway(lane)
    assert [bell.wait_for_gateway(1, ("code", "reply")) for _ in range(3)] == ["code", "reply", ""]
    assert bell.wait_for_gateway(0.05, ("code", "reply")) is None


def test_a_waiting_gateway_is_woken_at_once(redis: Redis, bell: Bell) -> None:
    woken: list[str | None] = []
    thread = threading.Thread(target=lambda: woken.append(bell.wait_for_gateway(LONGEST_WAIT_S)))
    thread.start()
    wait_until(lambda: redis.info("clients")["blocked_clients"] == 1)
    bell.notify_gateway()
    assert not redis.exists(gateway_bell("")), "Redis has handed the ring over: nothing waits until it is looked for"
    thread.join()
    assert woken == [""]


def test_a_bell_that_is_closed_leaves_no_connection_behind(redis: Redis) -> None:
    bell = Bell(redis)
    waiting = bell._waiting.client_id()
    assert waiting in ids_of_clients(redis)
    bell.close()
    wait_until(lambda: waiting not in ids_of_clients(redis))


def ids_of_clients(redis: Redis) -> set[int]:
    return {int(client["id"]) for client in redis.client_list()}


def test_while_redis_is_away_ringing_is_harmless_and_waiting_does_not_spin() -> None:
    bell = Bell(make_redis("redis://127.0.0.1:1/0"))
    bell.ring("ask", "tencent")
    bell.notify_gateway()
    begun = time.monotonic()
    assert bell.wait_for_gateway(0.3) is None
    assert 0.25 < time.monotonic() - begun < 30
    bell.close()


def test_rings_of_a_job_that_collects_them_count_once_for_its_next_look(redis: Redis, bell: Bell) -> None:
    rings: list[bool] = []

    def sleep(seconds: float) -> None:
        bell.ring("gather")
        rings.append(bool(redis.exists(ring_key("gather", None))))

    with patch("config.queue.bell.time.sleep", sleep):
        bell.collect_rings("gather", 0.01)
    assert rings == [True]
    assert redis.llen(f"{Queue.redis_queue_namespace_prefix}{QUEUE}") == 0
    assert not redis.exists(ring_key("gather", None))
