"""The few numbers that operators alert on. Served on the internal bind only; none is personal.

Every process of a host counts into files (`metric_files.py`); the clock process, or `onecert metrics`, serves their
sum. The backlog gauges are set by the one clock process: alert on the age of the oldest due question, not on CPU, which
is busy long before anything is late.
"""

from collections.abc import Callable, Mapping
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from config.telemetry import metric_files
from config.telemetry.log import get_logger

REPLY_S = (0.1, 0.3, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, 158_400, 172_800)
CALL_S = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
REQUEST_S = (0.01, 0.03, 0.1, 0.3, 1, 3)
P = ParamSpec("P")
log = get_logger(__name__)

Counts: TypeAlias = Mapping[str, int]
Counted: TypeAlias = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


class Metrics:
    """The meters of this process; made at their first use, when it is known where they keep their numbers."""

    shared: Path | None = None

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        self.oldest_due = _gauge("onecert_oldest_due_question_seconds", "Age of the oldest question that is due", own)
        self.owed = _gauge("onecert_messages_owed", "Messages that wait to be handed to a gateway", own)
        self.open = _gauge("onecert_inquiries_open", "Inquiries without a settled reply", own)
        self.swept = _gauge("onecert_last_sweep_timestamp_seconds", "When the clock process swept last", own)
        self._add_states(own)
        self.accepted = Counter("onecert_inquiries_accepted", "Inquiries accepted", ["service"], registry=own)
        self.calls = Counter("onecert_partner_calls", "HTTP calls to partners", ["partner", "outcome"], registry=own)
        self.answers = Counter(
            "onecert_partner_answers", "Items by what a reply said of a partner", ["partner", "outcome"], registry=own
        )
        self.messages = Counter(
            "onecert_messages", "Messages by what became of them", ["lane", "outcome"], registry=own
        )
        self.security = Counter(
            "onecert_security_events",
            "Sessions, codes, submissions and signatures by outcome and limit",
            ["event", "outcome", "limit", "entrance"],
            registry=own,
        )
        self.called = Histogram(
            "onecert_partner_call_seconds", "How long a partner took", ["partner"], buckets=CALL_S, registry=own
        )
        self.replied = Histogram(
            "onecert_reply_seconds", "From acceptance to the reply's hand-over", buckets=REPLY_S, registry=own
        )

    def _add_states(self, own: CollectorRegistry) -> None:
        self.built = _gauge("onecert_build_info", "1 for each role and its release", own, "role", "release")
        self.alive = _gauge("onecert_processes", "Processes that are alive, on all hosts", own, "role")
        self.breaker = _gauge("onecert_partner_breaker_open", "1 while a partner is not called", own, "partner")
        self.link = _gauge("onecert_link_up", "1 while a link takes messages", own, "link")
        self.rate = _gauge("onecert_link_parts_per_second", "Pace of a link's limiter", own, "link")
        self.erasure = _gauge("onecert_erasure_overdue_seconds", "Age of the oldest erasure that is due", own)
        self.objections = _gauge("onecert_objections_open", "Objections that are open", own)
        self.overdue = _gauge("onecert_requests_overdue", "Requests past their due day", own, "partner")
        self.connections = _gauge("onecert_database_connections", "Connections in use by a process", own, "role")
        self.failures = Counter(
            "onecert_database_failures", "Transactions that failed: pool or away", ["reason"], registry=own
        )
        self.erased = Counter("onecert_erased_rows", "Rows erased or deleted for their age", ["table"], registry=own)
        self.requests = Counter("onecert_http_requests", "Answers by route", ["route", "status"], registry=own)
        self.answered = Histogram(
            "onecert_http_request_seconds", "How long a route takes", ["route"], buckets=REQUEST_S, registry=own
        )


def _gauge(name: str, meaning: str, registry: CollectorRegistry, *labels: str) -> Gauge:
    # Of several clock processes one after the other, what the last one saw counts.
    return Gauge(name, meaning, labels, registry=registry, multiprocess_mode="mostrecent")


_meters = cache(Metrics)


def use_directory(data: Path) -> None:
    """Count together with the other processes of this host that have the same data directory.

    Called at the start of a process, or before its forks. Where nothing can be kept, the process counts for itself.
    """
    try:
        Metrics.shared = metric_files.use_directory(data)
    except OSError as error:
        log.warning("metrics_not_shared", error=type(error).__name__)
    _meters.cache_clear()


def _never_fail(count: Callable[P, None]) -> Callable[P, None]:
    """Decorator: swallow OSError from metric files (a full disk, for example) and log it once."""

    @wraps(count)
    def call(*args: P.args, **words: P.kwargs) -> None:
        try:
            count(*args, **words)
        except OSError as error:
            _log_once(type(error).__name__)

    return call


@cache
def _log_once(error: str) -> None:
    log.warning("metrics_lost", error=error)


@_never_fail
def set_backlog(*, now: int, oldest_due_ms: int, messages_owed: int, inquiries_open: int) -> None:
    """Set the backlog gauges from the sweep; times in epoch ms and ms."""
    meters = _meters()
    meters.swept.set(now / 1000)
    meters.oldest_due.set(oldest_due_ms / 1000)
    meters.owed.set(messages_owed)
    meters.open.set(inquiries_open)


@_never_fail
def set_build(role: str, release: str) -> None:
    """Say which release a process of this role is."""
    _meters().built.labels(role, release).set(1)


@_never_fail
def set_connections(role: str, in_use: int) -> None:
    """Set how many database connections a process of this role uses now."""
    _meters().connections.labels(role).set(in_use)


@_never_fail
def set_states(
    *,
    processes: Counts,
    breakers: Counts,
    links: Counts,
    rates: Counts,
    overdue: Counts,
    objections: int,
    erasure_ms: int,
) -> None:
    """Set from the sweep what is alive, open and late; one number a name."""
    meters = _meters()
    gauges = (meters.alive, processes), (meters.breaker, breakers), (meters.link, links), (meters.rate, rates)
    for gauge, numbers_by_name in (*gauges, (meters.overdue, overdue)):
        for name, number in numbers_by_name.items():
            gauge.labels(name).set(number)
    meters.objections.set(objections)
    meters.erasure.set(erasure_ms / 1000)


@_never_fail
def count_database_failure(reason: str) -> None:
    """Count a transaction that failed for want of a connection (`pool`) or of a database (`away`)."""
    _meters().failures.labels(reason).inc()


@_never_fail
def count_erased(table: str, rows: int) -> None:
    """Count rows that were erased, or deleted, because their time was over."""
    if rows:
        _meters().erased.labels(table).inc(rows)


@_never_fail
def count_request(route: str, status: str, seconds: float) -> None:
    """Count an answer; a route is a rule of the application, never a path."""
    meters = _meters()
    meters.requests.labels(route, status).inc()
    meters.answered.labels(route).observe(seconds)


@_never_fail
def count_accepted(service: str, number: int = 1) -> None:
    """Count accepted inquiries."""
    _meters().accepted.labels(service).inc(number)


@_never_fail
def count_call(partner: str, outcome: str, milliseconds: int | None = None) -> None:
    """A call to a partner ended, so long after it began: `ok`, or the code of its error. A callback took no time."""
    _meters().calls.labels(partner, outcome).inc()
    if milliseconds is not None:
        _meters().called.labels(partner).observe(milliseconds / 1000)


@_never_fail
def count_answers(partner: str, *, answered: int, unavailable: int) -> None:
    """In so many replies a partner's answer was told, in so many it was named as not having answered."""
    for outcome, number in (("answered", answered), ("unavailable", unavailable)):
        if number:
            _meters().answers.labels(partner, outcome).inc(number)


@_never_fail
def count_messages(lane: str, outcome: str, number: int) -> None:
    """Count messages that were accepted, failed or became unknown."""
    _meters().messages.labels(lane, outcome).inc(number)


@_never_fail
def count_security_event(event: str, outcome: str, limit: str, entrance: str) -> None:
    """Somebody was let in or refused (config/telemetry/security_events.py)."""
    _meters().security.labels(event, outcome, limit, entrance).inc()


@_never_fail
def observe_reply(milliseconds: int) -> None:
    """A reply was handed over so long after its inquiry was accepted."""
    _meters().replied.observe(milliseconds / 1000)


def numbers() -> CollectorRegistry:
    """Return the registry to serve: the sum over all processes that share files, or this process alone."""
    return _meters().registry if Metrics.shared is None else _sum(Metrics.shared)


def counted_below(data: Path) -> Counted:
    """Return the totals of all processes with this data directory, read from outside: (name, labels) -> value."""
    directory = data / metric_files.DIRECTORY
    found = _sum(directory).collect() if directory.is_dir() else ()
    samples = (sample for metric in found for sample in metric.samples)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def _sum(directory: Path) -> CollectorRegistry:
    summed = CollectorRegistry()
    MultiProcessCollector(summed, str(directory))  # type: ignore[no-untyped-call]
    return summed


def serve(bind: str) -> Callable[[], None]:
    """Serve them at host:port from a thread; returns the function that ends it."""
    host, _, port = bind.rpartition(":")
    registry = numbers()
    ProcessCollector(registry=registry)
    server, thread = start_http_server(int(port), host.strip("[]"), registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2)

    return stop
