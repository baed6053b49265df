"""The signed HTTP link: batches of messages out, answers back, and the receipts that follow.

docs/sms-http-link.md is the protocol; this file is our side of it. Requests are signed as in the
lookup protocol (RFC 9421), so one gateway account is one key. The gateway keeps our references and
takes none twice, and can be asked about them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from config.catalogue.links import Link as LinkEntry
from config.crypto.http_signatures import sign
from config.errors import ConfigError, NoAnswerError, NotSentError
from config.failpoints import failpoint
from config.ground import Ground
from config.net.http_client import HttpResponse
from sms_port.links.http.bodies import build_body, build_messages, parse_answer
from sms_port.links.link import Dispatch, InDoubt, LinkEvents, NotSent, Rejected, SendResult, Unknown
from sms_port.links.rate_limit import RateLimiter, paced
from sms_port.models import Lane

CONTENT_TYPE = "application/json"
ANSWER_BYTES = 1024 * 1024
REQUEST_TIMEOUT = 408


class HttpLink:
    """One account at a gateway that speaks docs/sms-http-link.md."""

    status = "up"

    def __init__(self, ground: Ground, entry: LinkEntry, limiter: RateLimiter, events: LinkEvents) -> None:
        self._ground, self._entry, self._limiter = ground, entry, limiter

    def room(self, lane: Lane) -> int:
        """Return the size of a batch: calls do not wait for each other."""
        return self._entry.batch_size

    def wait_ready(self, seconds: float) -> bool:
        """Return True: each call opens its own connection."""
        return True

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Send the batch in one call, or several when the rate limit is low; what a response lacks is unknown."""
        results: dict[str, SendResult] = {}
        for piece in paced(self._limiter, batch, lambda dispatch: len(dispatch.parts)):
            results |= self._send(piece)
            if any(_is_throttled(results[dispatch.reference]) for dispatch in piece):
                self._limiter.back_off(time.monotonic())
        return results

    def _send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        references = [dispatch.reference for dispatch in batch]
        failpoint("send.before_first_byte")
        try:
            answer = self._call("/messages", build_messages(batch))
        except NoAnswerError as error:
            return dict.fromkeys(references, Unknown(error.reason))
        except NotSentError as error:
            return dict.fromkeys(references, NotSent(error.reason))
        except ConfigError as error:  # no key to sign with: nothing has left
            return dict.fromkeys(references, NotSent(error.code))
        failpoint("send.after_acceptance")
        return dict.fromkeys(references, _ending_of_call(answer)) | parse_answer(answer, references)

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """Return what the gateway remembers of these messages; left out when it does not answer properly."""
        references = [doubt.reference for doubt in doubts]
        try:
            answer = self._call("/messages/query", build_body({"ids": references}))
        except ConfigError:
            return {}
        return parse_answer(answer, references, asked=True)

    def close(self) -> None:
        """Do nothing: connections belong to the process."""

    def _call(self, path: str, body: bytes) -> HttpResponse:
        entry, url = self._entry, self._entry.url + path
        secret = self._ground.secrets.get(f"{entry.code}.key")
        headers = sign(
            "POST",
            url,
            body,
            content_type=CONTENT_TYPE,
            key_id=entry.key_id,
            secret=secret,
            algorithm=entry.algorithm,
            now=self._ground.clock.now(),
        )
        return self._ground.http.post(
            url, body, headers, connect=entry.connect_s, read=entry.read_s, total=entry.total_s, cap=ANSWER_BYTES
        )


def _ending_of_call(answer: HttpResponse) -> SendResult:
    """Return what holds for the messages that an answer does not name."""
    if 400 <= answer.status < 500 and answer.status != REQUEST_TIMEOUT:
        return NotSent(f"http_{answer.status}")
    return Unknown("left_out" if answer.status == 200 else f"http_{answer.status}")


def _is_throttled(result: SendResult) -> bool:
    slow_down = isinstance(result, NotSent) and result.code == f"http_{HTTPStatus.TOO_MANY_REQUESTS.value}"
    return slow_down or (isinstance(result, Rejected) and not result.permanent)
