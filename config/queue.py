"""The bell: Redis and RQ say "look now", and nothing else.

A job is the name of a step and at most a partner's code. What there is to do stands in the
database; Redis may be emptied at any instant, and the sweep rings again.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from config import faults
from config.errors import OneCertError
from config.log import get_logger
from config.sentinel import another_pool, is_sentinel, make_sentinel_redis

QUEUE = "onecert"
DESCRIPTION = "onecert"
ARGUMENT = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
RING_S = 5
JOB_TIMEOUT_S = 300
FAILURE_TTL_S = 3600
GATEWAY_BELL = "bell:gateway"
LONGEST_WAIT_S = 10.0
WORKER_TTL_S = 30
RECONNECT_S = (0.1, 2.0)  # the first wait and the longest
STEADY_S = 10.0

Jobs = Mapping[str, Callable[..., None]]
log = get_logger(__name__)


def make_redis(url: str, read_timeout_s: float = 2.0) -> "Redis":
    """A client that connects lazily, fails fast and tries once more on a connection that went stale."""
    return (make_sentinel_redis if is_sentinel(url) else Redis.from_url)(
        url,
        protocol=2,
        socket_connect_timeout=1.0,
        socket_timeout=read_timeout_s,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=30,
    )


def another_client(redis: "Redis", read_timeout_s: float) -> "Redis":
    """A client to the same Redis with its own connections, for calls that block."""
    return Redis(connection_pool=another_pool(redis.connection_pool, socket_timeout=read_timeout_s))


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
            _check(job, argument)
        if not calls:
            return
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for job, argument in calls:
                    pipeline.set(ring_key(job, argument), 1, nx=True, ex=RING_S)
                fresh = [call for call, was_set in zip(calls, pipeline.execute(), strict=True) if was_set]
            faults.point("bell.before_enqueue")
            with self._redis.pipeline() as pipeline:
                for job, argument in fresh:
                    self._enqueue(job, argument, pipeline)
                pipeline.execute()
            faults.point("bell.after_enqueue")
            self._note(True)
        except RedisError as error:
            self._note(False, error)

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

    def ring_gateway(self) -> None:
        """Tell the gateway process that messages are owed."""
        try:
            with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.lpush(GATEWAY_BELL, 1)
                pipeline.ltrim(GATEWAY_BELL, 0, 0)
                pipeline.execute()
            self._note(True)
        except RedisError as error:
            self._note(False, error)

    def wait_gateway(self, timeout_s: float) -> bool:
        """Wait until the gateway is rung: True, or False after the time (at most 10 s)."""
        timeout_s = min(timeout_s, LONGEST_WAIT_S)
        begun = time.monotonic()
        try:
            rung = self._waiting.blpop([GATEWAY_BELL], timeout=timeout_s) is not None
            self._note(True)
            return rung
        except RedisError as error:
            self._note(False, error)
            time.sleep(max(0.0, min(timeout_s, 1.0) - (time.monotonic() - begun)))
            return False

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


def _check(job: str, argument: str | None) -> None:
    if not ARGUMENT.fullmatch(job) or (argument is not None and not ARGUMENT.fullmatch(argument)):
        raise ValueError("a job is named, and called with, lower-case letters, digits and dashes only")


class TableJob(Job):
    """A job that can only be one of the table's functions, looked up by name.

    RQ itself would import and call whatever a Redis writer puts into a job: a function, callbacks,
    webhooks. Here nothing is imported, and a job that asks for more than a call is refused.
    """

    table: ClassVar[Jobs] = {}
    refused = False

    def restore(self, raw_data: Any) -> None:
        """Read the job from Redis, and keep of it only the name and the argument."""
        super().restore(raw_data)
        extras = (self._success_callback_name, self._failure_callback_name, self._stopped_callback_name)
        self.refused = any(extras) or bool(self.webhooks or self._dependency_ids or self.retries_left)
        self.refused |= bool(self.repeats_left or self.rate_limit_key or self.group_id)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks, self._dependency_ids, self.meta = [], [], {}
        self.retries_left = self.repeats_left = self.rate_limit_key = self.group_id = None
        self.timeout, self.result_ttl, self.failure_ttl = JOB_TIMEOUT_S, 0, FAILURE_TTL_S
        self.description = DESCRIPTION

    def perform(self) -> None:
        """Run the step. Its failure is logged and forgotten here: the database knows what is due."""
        call = self._call()
        if call is None:
            log.error("job_refused", job_id=self.id)
            return
        name, argument = call
        faults.point("job.before_step")
        # Before the step looks: whoever rings from here on wants it to look again.
        self.connection.delete(ring_key(name, argument))
        try:
            self.table[name](*(() if argument is None else (argument,)))
        except OneCertError as error:
            log.warning("job_failed", job=name, argument=argument, error=type(error).__name__, detail=error.detail)
        except Exception:
            log.exception("job_broken", job=name, argument=argument)

    def _call(self) -> tuple[str, str | None] | None:
        try:
            name, instance, args, kwargs = json.loads(self.data)
            argument = args[0] if args else None
            _check(name, argument)
            fine = not (self.refused or instance or kwargs or len(args) > 1) and name in self.table
        except (ValueError, TypeError, KeyError, UnicodeDecodeError):
            return None
        return (name, argument) if fine else None


class BellWorker(SimpleWorker):
    """Runs jobs one by one in this process, and outlives Redis."""

    log_result_lifespan = False
    max_connection_wait_time = 2.0
    heartbeat_every_s = 5.0
    _beat_at = 0.0

    def work(self, burst: bool = False, *args: Any, **options: Any) -> bool:
        """Work until SIGTERM or SIGINT (or, in a burst, until nothing is left)."""
        self._install_signal_handlers()  # RQ does only once Redis has answered
        try:
            return self._work_on(burst, options)
        except StopRequested:  # SIGTERM while there was nothing to stop
            return False

    def _work_on(self, burst: bool, options: Mapping[str, Any]) -> bool:
        wait_s = RECONNECT_S[0]
        while True:
            begun = time.monotonic()
            worked = self._work_while_redis_is_here(burst, options)
            if burst or options or self._shutdown_requested_date is not None:
                return worked
            steady = time.monotonic() - begun > STEADY_S
            wait_s = RECONNECT_S[0] if steady else min(wait_s * 2, RECONNECT_S[1])
            log.warning("worker_reconnects", wait_s=wait_s)
            time.sleep(wait_s)
            self.name = uuid4().hex  # the old name may still be registered

    def _work_while_redis_is_here(self, burst: bool, options: Mapping[str, Any]) -> bool:
        try:
            return super().work(burst=burst, logging_level="WARNING", **options)
        except RedisError:
            if burst:
                raise
            return False

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """At most every few seconds: RQ beats five times a job, three commands each."""
        if pipeline is None and time.monotonic() - self._beat_at < self.heartbeat_every_s:
            return
        super().heartbeat(timeout, pipeline)
        self._beat_at = time.monotonic()

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Kept in this process only."""
        self._state = state

    def check_for_suspension(self, burst: bool) -> None:
        """Workers are stopped by their supervisor, not through Redis."""

    def subscribe(self) -> None:
        """No commands are taken through Redis: whoever writes there could stop the workers."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def set_shutdown_requested_date(self) -> None:
        """Not written: a signal handler must not wait for Redis."""

    def _set_ip_address(self, connection: "Redis") -> None:
        """Not asked for: Redis may still be starting."""
        self.ip_address = "unknown"

    def procline(self, message: str) -> None:
        """The process title stays as it is."""

    def _install_signal_handlers(self) -> None:
        if threading.current_thread() is threading.main_thread():
            super()._install_signal_handlers()  # type: ignore[no-untyped-call]


def make_worker(redis: "Redis", jobs: Jobs) -> SimpleWorker:
    """A worker of the one queue that runs the functions of `jobs`, and nothing else, by name."""
    job_class = type("OneCertJob", (TableJob,), {"table": dict(jobs)})
    return BellWorker(
        [QUEUE],
        connection=another_client(redis, WORKER_TTL_S),
        job_class=job_class,
        serializer="json",
        worker_ttl=WORKER_TTL_S,
        default_result_ttl=0,
        log_job_description=False,
    )
