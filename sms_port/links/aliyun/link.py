"""The Aliyun link: approved templates only, by the vendor's SDK, which only the extra `onecert[aliyun]` installs.

SendSms has no idempotency: what is not clearly answered is unknown, and asked about by QuerySendDetails with our
reference, which every message carries as OutId. docs/sms-aliyun-link.md tells an operator how to set it up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from alibabacloud_dysmsapi20170525.models import QuerySendDetailsRequest, SendSmsRequest

from config.catalogue.links import Link as LinkEntry
from config.errors import ConfigError, NoAnswerError, NotSentError
from config.ground import Ground
from config.telemetry.log import get_logger
from sms_port.links.aliyun.client import AliyunClient, Refusal
from sms_port.links.aliyun.codes import days_of, is_of_account, is_permanent, is_throttled, is_unclear, short_code
from sms_port.links.link import Accepted, Dispatch, InDoubt, LinkEvents, NotSent, Rejected, SendResult, Unknown
from sms_port.links.rate_limit import RateLimiter
from sms_port.links.templates import Template
from sms_port.models import Lane

PAGE = 50
MOST_PAGES = 4
THROTTLED = "throttled"
log = get_logger(__name__)


class AliyunLink:
    """One account; `window` calls at once in each lane, so that replies never hold up codes."""

    def __init__(self, ground: Ground, entry: LinkEntry, limiter: RateLimiter, events: LinkEvents) -> None:
        self._ground, self._entry, self._limiter = ground, entry, limiter
        self.status = "up"
        self._signature = ground.catalogues.current().signature.strip("【】")
        self._pools = {lane: ThreadPoolExecutor(entry.window, f"aliyun-{lane.name.lower()}") for lane in Lane}

    def room(self, lane: Lane) -> int:
        """Return the number of concurrent calls."""
        return min(self._entry.batch_size, self._entry.window)

    def wait_ready(self, seconds: float) -> bool:
        """Return True: each call opens its own connection."""
        return True

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Make one call for each message; return when all are answered or timed out."""
        results = list(self._pools[batch[0].lane].map(self._send, batch)) if batch else []
        if Rejected(THROTTLED, False) in results:
            self._limiter.back_off(time.monotonic())
        return {dispatch.reference: result for dispatch, result in zip(batch, results, strict=True)}

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """Return the messages of which the vendor has a record; a missing record proves nothing and is left out."""
        known = (doubt.reference for doubt in doubts if doubt.to and self._remembers(doubt))
        return dict.fromkeys(known, Accepted())

    def close(self) -> None:
        """Finish the calls under way."""
        for pool in self._pools.values():
            pool.shutdown()

    def _send(self, dispatch: Dispatch) -> SendResult:
        template = dispatch.template
        if template is None:
            return NotSent("no_template")
        while wait := self._limiter.acquire(1, time.monotonic()):
            time.sleep(wait)
        try:
            answer = AliyunClient(self._ground, self._entry).send_sms(self._request(dispatch, template))
        except NoAnswerError as error:
            return Unknown(error.reason)
        except NotSentError as error:
            return NotSent(error.reason)
        except ConfigError as error:  # no key to sign with: nothing has left
            return NotSent(error.code)
        except Refusal as refusal:
            return self._judge(refusal.code, refusal.status)
        except Exception as error:
            # The SDK's models fail on odd answers in many ways; whatever it is, the call was made.
            log.warning("answer_unreadable", link=self._entry.code, error=type(error).__name__)
            return Unknown("unreadable")
        return self._judge(answer.body.code, 200)

    def _request(self, dispatch: Dispatch, template: Template) -> SendSmsRequest:
        return SendSmsRequest(
            phone_numbers=dispatch.to,
            sign_name=self._signature,
            template_code=template.code,
            template_param=json.dumps(dict(template.fields), ensure_ascii=False),
            out_id=dispatch.reference,
        )

    def _judge(self, code: object, status: int) -> SendResult:
        """Return what an answer means: taken, a clear refusal, or nothing that can be relied on."""
        if code == "OK" and status == 200:
            self.status = "up"
            return Accepted()
        if not isinstance(code, str) or not code or is_unclear(code):
            return Unknown(short_code(code) if isinstance(code, str) and code else f"http_{status}")
        if is_throttled(code):
            return Rejected(THROTTLED, False)
        if status >= 500:
            return Unknown(f"http_{status}")
        permanent = is_permanent(code)
        self.status = "account_refused" if is_of_account(code) else "up"
        if permanent or is_of_account(code):
            log.error("submit_refused", link=self._entry.code, result=short_code(code))
        return Rejected(short_code(code), permanent)

    def _remembers(self, doubt: InDoubt) -> bool:
        try:
            return doubt.reference in {name for day in days_of(doubt.since) for name in self._sent_on(doubt.to, day)}
        except (ConfigError, Refusal):
            return False
        except Exception as error:
            log.warning("answer_unreadable", link=self._entry.code, error=type(error).__name__)
            return False

    def _sent_on(self, phone: str, day: str) -> Iterator[str]:
        """Yield the OutIds of the messages that the vendor sent to a number on a day."""
        client = AliyunClient(self._ground, self._entry)
        for page in range(1, MOST_PAGES + 1):
            wanted = QuerySendDetailsRequest(phone_number=phone, send_date=day, page_size=PAGE, current_page=page)
            body = client.query_send_details(wanted).body
            details = body.sms_send_detail_dtos.sms_send_detail_dto if body.code == "OK" else []
            yield from (str(detail.out_id) for detail in details)
            if len(details) < PAGE:
                return
