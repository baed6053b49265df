"""The signed HTTP link: batches of messages out, answers back, and the receipts that follow.

docs/sms-http-link.md is the protocol; this file is our side of it. Requests are signed as in the
lookup protocol (RFC 9421), so one gateway account is one key. The gateway keeps our references and
takes none twice, and can be asked about them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config import faults
from config.catalogue_links import Link as LinkEntry
from config.clock import rfc3339
from config.errors import ConfigError, NoAnswerError, NotSentError
from config.ground import Ground
from config.outgoing import Answer
from config.signature import sign
from sms_port.errors import ReceiptsInvalid
from sms_port.inbound import Inbound
from sms_port.links.link import Accepted, Dispatch, Doubt, Ears, Ending, NotSent, Rejected, Unknown
from sms_port.models import Lane, Word
from sms_port.pace import Pace, paced
from sms_port.receipts import Receipt

CONTENT_TYPE = "application/json"
ANSWER_BYTES = 1024 * 1024
RECEIPTS_AT_ONCE = 1_000
REQUEST_TIMEOUT = 408

ShortCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.-]{1,10}$")]
"""Ten characters at most, so that no phone number can hide in a code and reach a log."""


class _Answered(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    id: str
    status: Literal["accepted", "rejected", "unknown"]
    code: ShortCode | Literal[""] = ""
    permanent: bool | None = None


class _Receipt(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    part: Annotated[int, Field(ge=1, le=255)]
    status: Literal["delivered", "failed", "unclear"]
    code: ShortCode
    done_at: Annotated[AwareDatetime, Field(strict=False)]


class _Receipts(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    receipts: Annotated[list[_Receipt], Field(max_length=RECEIPTS_AT_ONCE)]


class _Text(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True, populate_by_name=True)
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    phone: Annotated[str, Field(alias="from"), StringConstraints(pattern=r"^1[3-9][0-9]{9}$")]
    to: Annotated[str, StringConstraints(pattern=r"^[0-9]{3,21}$")]
    text: Annotated[str, StringConstraints(max_length=2000)]


class _Texts(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    messages: Annotated[list[_Text], Field(max_length=RECEIPTS_AT_ONCE)]


class HttpLink:
    """One account at a gateway that speaks docs/sms-http-link.md."""

    status = "up"

    def __init__(self, ground: Ground, entry: LinkEntry, pace: Pace, ears: Ears) -> None:
        self._ground, self._entry, self._pace = ground, entry, pace

    def room(self, lane: Lane) -> int:
        """Always a batch: calls do not wait for each other."""
        return self._entry.batch_size

    def wait_ready(self, seconds: float) -> bool:
        """Each call connects by itself."""
        return True

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, Ending]:
        """One call for the batch, or several when the pace is low; what an answer leaves out is unknown."""
        endings: dict[str, Ending] = {}
        for piece in paced(self._pace, batch, lambda dispatch: len(dispatch.parts)):
            endings |= self._send(piece)
            if any(_is_throttled(endings[dispatch.reference]) for dispatch in piece):
                self._pace.halve(time.monotonic())
        return endings

    def _send(self, batch: Sequence[Dispatch]) -> Mapping[str, Ending]:
        references = [dispatch.reference for dispatch in batch]
        faults.point("send.before_first_byte")
        try:
            answer = self._call("/messages", build_messages(batch))
        except NoAnswerError as error:
            return dict.fromkeys(references, Unknown(error.reason))
        except NotSentError as error:
            return dict.fromkeys(references, NotSent(error.reason))
        except ConfigError as error:  # no key to sign with: nothing has left
            return dict.fromkeys(references, NotSent(error.code))
        faults.point("send.after_acceptance")
        return dict.fromkeys(references, _ending_of_call(answer)) | parse_answer(answer, references)

    def ask(self, doubts: Sequence[Doubt]) -> Mapping[str, Ending]:
        """What the gateway remembers of these messages; left out when it does not answer properly."""
        references = [doubt.reference for doubt in doubts]
        try:
            answer = self._call("/messages/query", _json({"ids": references}))
        except ConfigError:
            return {}
        return parse_answer(answer, references, asked=True)

    def close(self) -> None:
        """Nothing to give back: connections belong to the process."""

    def _call(self, path: str, body: bytes) -> Answer:
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


def build_messages(batch: Sequence[Dispatch]) -> bytes:
    """The body of `POST /messages`."""
    return _json(
        {
            "messages": [
                {
                    "id": dispatch.reference,
                    "from": dispatch.sender,
                    "to": dispatch.to,
                    "parts": dispatch.parts,
                    "valid_until": rfc3339(dispatch.valid_until),
                }
                for dispatch in batch
            ]
        }
    )


def parse_answer(answer: Answer, references: Sequence[str], *, asked: bool = False) -> dict[str, Ending]:
    """The endings that a 200 names, for references that were in the call; faulty items are left out.

    `unknown` is a word for queries alone: the gateway has never seen the reference.
    """
    if answer.status != 200:
        return {}
    wanted, endings = set(references), dict[str, Ending]()
    for item in _items(answer.body):
        ending = _ending_of_item(item, asked)
        if ending is not None and item.id in wanted:
            endings[item.id] = ending
    return endings


def parse_receipts(body: bytes, link: str) -> list[Receipt]:
    """The receipts of a signed `POST /sms/<link>/receipts`; ReceiptsInvalid when it is not the protocol's."""
    try:
        parsed = _Receipts.model_validate_json(body)
    except ValidationError:
        raise ReceiptsInvalid("the receipts are not as docs/sms-http-link.md describes them") from None
    return [
        Receipt(link, item.id, item.part, Word[item.status.upper()], item.code, round(item.done_at.timestamp() * 1000))
        for item in parsed.receipts
    ]


def parse_texts(body: bytes, link: str) -> list[Inbound]:
    """The citizens' texts of a signed `POST /sms/<link>/inbound`; ReceiptsInvalid when it is not the protocol's."""
    try:
        parsed = _Texts.model_validate_json(body)
    except ValidationError:
        raise ReceiptsInvalid("the texts are not as docs/sms-http-link.md describes them") from None
    return [Inbound(link, item.id, item.phone, item.to, item.text) for item in parsed.messages]


def _ending_of_call(answer: Answer) -> Ending:
    """What holds for the messages that an answer does not name."""
    if 400 <= answer.status < 500 and answer.status != REQUEST_TIMEOUT:
        return NotSent(f"http_{answer.status}")
    return Unknown("left_out" if answer.status == 200 else f"http_{answer.status}")


def _is_throttled(ending: Ending) -> bool:
    slow_down = isinstance(ending, NotSent) and ending.code == f"http_{HTTPStatus.TOO_MANY_REQUESTS.value}"
    return slow_down or (isinstance(ending, Rejected) and not ending.permanent)


def _items(body: bytes) -> list[_Answered]:
    try:
        listed = json.loads(body)["messages"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [item for item in map(_answered, listed if isinstance(listed, list) else []) if item is not None]


def _answered(item: Any) -> _Answered | None:
    try:
        return _Answered.model_validate(item)
    except ValidationError:
        return None


def _ending_of_item(item: _Answered, asked: bool) -> Ending | None:
    if item.status == "accepted":
        return Accepted()
    if item.status == "rejected" and item.permanent is not None:
        return Rejected(item.code, item.permanent)
    if item.status == "unknown" and asked:
        return NotSent("never_seen")
    return None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
