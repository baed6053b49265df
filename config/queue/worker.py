"""The worker: runs the steps it is rung for, by name, and nothing else that stands in Redis."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

from config.errors import OneCertError
from config.failpoints import failpoint
from config.queue.bell import DESCRIPTION, FAILURE_TTL_S, JOB_TIMEOUT_S, QUEUE, another_client, check_words, ring_key
from config.telemetry.log import get_logger

RQ_QUEUE = Queue.redis_queue_namespace_prefix + QUEUE
WORKER_TTL_S = 30
RECONNECT_S = (0.1, 2.0)  # the first wait and the longest
STEADY_S = 10.0

Jobs = Mapping[str, Callable[..., object]]

log = get_logger(__name__)


class AllowListedJob(Job):
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
            self._forget()
            log.error("job_refused", job_id=self.id)
            return
        name, argument = call
        failpoint("job.before_step")
        self._forget(ring_key(name, argument))
        try:
            self.table[name](*(() if argument is None else (argument,)))
        except OneCertError as error:
            log.warning("job_failed", job=name, argument=argument, error=type(error).__name__, detail=error.detail)
        except Exception:
            log.exception("job_broken", job=name, argument=argument)

    def _forget(self, *keys: str) -> None:
        """Take the job, and its ring, out of Redis before the step looks: whoever rings from here on is heard anew."""
        with suppress(RedisError), self.connection.pipeline(transaction=False) as pipeline:
            pipeline.lrem(IntermediateQueue.get_intermediate_queue_key(RQ_QUEUE), 1, self.id)
            pipeline.delete(self.key, *keys)
            pipeline.execute()

    def _call(self) -> tuple[str, str | None] | None:
        try:
            name, instance, args, kwargs = json.loads(self.data)
            argument = args[0] if args else None
            check_words(name, argument)
            fine = not (self.refused or instance or kwargs or len(args) > 1) and name in self.table
        except (ValueError, TypeError, KeyError, UnicodeDecodeError):
            return None
        return (name, argument) if fine else None


class Worker(SimpleWorker):
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

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job. RQ keeps no books on it, in some fifty commands: what a killed worker leaves, the sweep finds."""
        self.set_state(WorkerStatus.BUSY)
        try:
            with self.death_penalty_class(JOB_TIMEOUT_S, JobTimeoutException, job_id=job.id):
                job.perform()
        finally:
            self.set_state(WorkerStatus.IDLE)

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
    job_class = type("OneCertJob", (AllowListedJob,), {"table": dict(jobs)})
    return Worker(
        [QUEUE],
        connection=another_client(redis, WORKER_TTL_S),
        job_class=job_class,
        serializer="json",
        worker_ttl=WORKER_TTL_S,
        default_result_ttl=0,
        log_job_description=False,
    )
