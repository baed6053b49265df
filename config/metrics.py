"""The few numbers that operators alert on. Served on the internal bind only; none is personal.

The backlog gauges are set by the one clock process: alert on the age of the oldest due question,
not on CPU, which is busy long before anything is late.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST, start_http_server

registry = CollectorRegistry()
ProcessCollector(registry=registry)

_oldest_due = Gauge("onecert_oldest_due_question_seconds", "Age of the oldest question that is due", registry=registry)
_owed = Gauge("onecert_messages_owed", "Messages that wait to be handed to a gateway", registry=registry)
_open = Gauge("onecert_inquiries_open", "Inquiries without a settled reply", registry=registry)
_swept = Gauge("onecert_last_sweep_timestamp_seconds", "When the clock process swept last", registry=registry)
_accepted = Counter("onecert_inquiries_accepted", "Inquiries accepted", ["service"], registry=registry)
_calls = Counter("onecert_partner_calls", "HTTP calls to partners", ["partner", "outcome"], registry=registry)
_messages = Counter("onecert_messages", "Messages by what became of them", ["lane", "outcome"], registry=registry)
_replied = Histogram(
    "onecert_reply_seconds",
    "From acceptance to the reply's hand-over",
    buckets=(0.1, 0.3, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, 158_400, 172_800),
    registry=registry,
)


def set_backlog(*, now: int, oldest_due_ms: int, messages_owed: int, inquiries_open: int) -> None:
    """What waits, as the sweep just saw it; times in epoch ms and ms."""
    _swept.set(now / 1000)
    _oldest_due.set(oldest_due_ms / 1000)
    _owed.set(messages_owed)
    _open.set(inquiries_open)


def count_accepted(service: str) -> None:
    """An inquiry was accepted."""
    _accepted.labels(service).inc()


def count_call(partner: str, outcome: str) -> None:
    """A call to a partner ended: `ok`, or the code of its error."""
    _calls.labels(partner, outcome).inc()


def count_message(lane: str, outcome: str) -> None:
    """A message was accepted, failed or became unknown."""
    _messages.labels(lane, outcome).inc()


def observe_reply(milliseconds: int) -> None:
    """A reply was handed over so long after its inquiry was accepted."""
    _replied.observe(milliseconds / 1000)


def render() -> tuple[bytes, str]:
    """The numbers of this process as Prometheus reads them, and the content type."""
    return generate_latest(registry), CONTENT_TYPE_LATEST


def serve(bind: str) -> Callable[[], None]:
    """Serve them at host:port from a thread; returns the function that ends it."""
    host, _, port = bind.rpartition(":")
    server, thread = start_http_server(int(port), host.strip("[]"), registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2)

    return stop
