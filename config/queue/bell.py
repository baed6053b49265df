"""The bell: Redis and RQ say "look now", and nothing else.

A job is the name of a step and at most a partner's code. What there is to do stands in the
database; Redis may be emptied at any instant, and the sweep rings again.
"""

import re
import time
from collections.abc import Callable, Sequence
from functools import partial

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from config.failpoints import failpoint
from config.queue.sentinel import another_pool, is_sentinel, make_sentinel_redis
from config.telemetry.log import get_logger

QUEUE = "onecert"
DESCRIPTION = "onecert"
ARGUMENT = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
RING_S = 5
JOB_TIMEOUT_S = 300
FAILURE_TTL_S = 3600
GATEWAY_BELL = "bell:gateway:"
LONGEST_WAIT_S = 10.0
READ_TIMEOUT_S = 2.0
log = get_logger(__name__)


def make_redis(url: str) -> "Redis":
    """A client that connects lazily, fails fast and tries once more on a connection that went stale."""
    return (make_sentinel_redis if is_sentinel(url) else Redis.from_url)(
        url,
        protocol=2,
        socket_connect_timeout=1.0,
        socket_timeout=READ_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=30,
    )


def another_client(redis: "Redis", read_timeout_s: float) -> "Redis":
    """A client to the same Redis with its own connections, for calls that block; closed, it closes them."""
    return Redis.from_pool(another_pool(redis.connection_pool, socket_timeout=read_timeout_s))


class Bell:
    """Rings for workers and the gateway. Never raises because of Redis: the sweep rings again."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer, job_class=Job)
        self._waiting = another_client(redis, LONGEST_WAIT_S + 5.0)
        self._away = False

    def ring(self, job: str, argument: str | None = None) -> None:
        """Have a worker run `job` soon. Rings that nobody has answered yet count once."""
        self.ring_all([(job, argument)])

    def ring_all(self, calls: Sequence[tuple[str, str | None]]) -> None:
        """Ring for several jobs, each with its argument, in two round trips."""
        for job, argument in calls:
            check_words(job, argument)
        if not calls:
            return
        try:
            fresh = self._marked(calls)
            failpoint("bell.before_enqueue")
            self._mend(f"rq:queue:{QUEUE}", partial(self._enqueue_all, fresh))
            failpoint("bell.after_enqueue")
            self._note(True)
        except RedisError as error:
            self._note(False, error)

    def collect_rings(self, job: str, delay_s: float) -> None:
        """Wait with the job's ring standing: rings of this time count once, for the look that the caller takes next."""
        try:
            self._redis.set(ring_key(job, None), 1, px=int(delay_s * 1000) + 1000)
            time.sleep(delay_s)
            self._redis.delete(ring_key(job, None))
        except RedisError as error:
            self._note(False, error)

    def _marked(self, calls: Sequence[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        """Mark rings as standing; returns those that did not stand yet.

        A mark that stands for longer than ours do is not ours, and keeps no ring away.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            for job, argument in calls:
                pipeline.set(ring_key(job, argument), 1, nx=True, ex=RING_S)
                pipeline.pttl(ring_key(job, argument))
            answers = pipeline.execute()
        pairs = list(zip(calls, answers[::2], answers[1::2], strict=True))
        endless = [call for call, was_set, ttl in pairs if not was_set and (ttl == -1 or ttl > RING_S * 1000)]
        for job, argument in endless:
            self._redis.set(ring_key(job, argument), 1, ex=RING_S)
        return [call for call, was_set, _ in pairs if was_set or call in endless]

    def _enqueue_all(self, calls: Sequence[tuple[str, str | None]]) -> None:
        with self._redis.pipeline() as pipeline:
            for job, argument in calls:
                self._enqueue(job, argument, pipeline)
            pipeline.execute()

    def _mend(self, key: str, write: Callable[[], None]) -> None:
        """Write; where somebody has put something of another type, delete it and write again."""
        try:
            write()
        except ResponseError:
            log.warning("redis_key_deleted", key=key)
            self._redis.delete(key)
            write()

    def _enqueue(self, job: str, argument: str | None, pipeline: Pipeline) -> None:
        self._queue.enqueue_call(
            func=job,
            args=() if argument is None else (argument,),
            timeout=JOB_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=FAILURE_TTL_S,
            description=DESCRIPTION,
            pipeline=pipeline,
        )

    def notify_gateway(self, lane: str = "") -> None:
        """Tell the gateway process that messages of a lane are owed, or (no lane) that something is."""
        try:
            self._mend(gateway_bell(lane), partial(self._push, gateway_bell(lane)))
            self._note(True)
        except RedisError as error:
            self._note(False, error)

    def _push(self, key: str) -> None:
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.lpush(key, 1)
            pipeline.ltrim(key, 0, 0)
            pipeline.execute()

    def wait_for_gateway(self, timeout_s: float, lanes: Sequence[str] = ()) -> str | None:
        """Wait until the gateway is rung: the lane, "" for all of them, None after the time (at most 10 s)."""
        timeout_s = min(timeout_s, LONGEST_WAIT_S)
        begun = time.monotonic()
        try:
            rung = self._waiting.blpop([gateway_bell(lane) for lane in (*lanes, "")], timeout=timeout_s)
            self._note(True)
            if rung is None:
                return None
            key = rung[0] if isinstance(rung[0], str) else rung[0].decode()
            return key.removeprefix(GATEWAY_BELL)
        except RedisError as error:
            self._note(False, error)
            time.sleep(max(0.0, min(timeout_s, 1.0) - (time.monotonic() - begun)))
            return None

    def close(self) -> None:
        """Close the connection that waits; the other belongs to whoever made it."""
        self._waiting.close()

    def _note(self, here: bool, error: RedisError | None = None) -> None:
        """Log the change only: a Redis that is away must not fill the log."""
        if here != self._away:
            return
        self._away = not here
        if here:
            log.info("redis_back")
        else:
            log.warning("redis_away", error=type(error).__name__)


def ring_key(job: str, argument: str | None) -> str:
    """The key that stands in Redis while a ring has not been answered."""
    return f"ring:{job}:{argument or ''}"


def gateway_bell(lane: str) -> str:
    """The key of the list that rings the gateway's lane."""
    return f"{GATEWAY_BELL}{lane}"


def check_words(job: str, argument: str | None) -> None:
    """A ring carries plain words only; ValueError for others."""
    if not ARGUMENT.fullmatch(job) or (argument is not None and not ARGUMENT.fullmatch(argument)):
        raise ValueError("a job is named, and called with, lower-case letters, digits and dashes only")
