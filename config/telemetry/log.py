"""Log lines: one JSON object each, on standard error, masked.

Personal data does not belong in a log call at all; masking is the second line of defence. What
libraries log goes the same way.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

MASK = "[masked]"
# `\d` is every Unicode digit: a citizen's keyboard may send full-width ones.
_SECRET_DIGITS = re.compile(
    r"(?P<ours>(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z]))"  # an id of ours: one in 40 looks as if it held a phone
    r"|(?<!\d)(?:"
    r"(?:86)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # a phone, written together or in groups
    r"|\d{11}|\d{15}|\d{17}[\dXx]"  # any 11 digits; an ID of either length
    r"|(?<![A-Za-z])\d{5}(?:\d|[Xx])(?![A-Za-z])"  # a verification code or the tail of an ID
    r")(?!\d)"
)
_QUIET = {"urllib3": logging.WARNING, "rq": logging.WARNING, "rq.worker": logging.WARNING, "werkzeug": logging.WARNING}


def mask(text: str) -> str:
    """The text without phones, IDs, codes and ID tails; ids of messages, 32 hexadecimal digits, stay whole."""
    return _SECRET_DIGITS.sub(lambda found: found["ours"] or MASK, text)


def configure_logging(level: str = "info") -> None:
    """Send every log line of this process through the one chain. Call once, at start."""
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask_event,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain[:-3],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain[:3],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *chain[3:],
            structlog.processors.JSONRenderer(ensure_ascii=False, default=_describe),
        ],
    )
    handler = _StandardError()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment: whoever redirects it later gets the lines, too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger for one module: `get_logger(__name__).info("wave_asked", partner=code, items=n)`."""
    return cast(FilteringBoundLogger, structlog.stdlib.get_logger(name))


def _mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bool | float | None):
        return value
    if isinstance(value, int):
        return MASK if mask(str(value)) != str(value) and abs(value) > 9_999_999 else value
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    return mask(_describe(value))


def _describe(value: object) -> str:
    """Bytes may be anybody's: only their number is told."""
    return f"{len(value)} bytes" if isinstance(value, bytes | bytearray | memoryview) else str(value)
