"""A message or event that WeChat pushes, read from its signed body (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from wechat.errors import BadPush
from wechat.webhook.body import Format, parse_body
from wechat.webhook.items import parse_items
from wechat.webhook.repair import recover_fields

FRESH_MS = 300_000
AHEAD_MS = 30_000
MAX_WORD = 32
PERSONAL_EVENTS = frozenset({"user_authorization_revoke", "user_authorization_cancellation", "user_info_modified"})
"""Events by which the platform asks for the deletion of somebody's data."""

_WHO = re.compile(r"[!-~]{1,128}", re.ASCII)
_CREATED = re.compile(r"[0-9]{1,13}", re.ASCII)
_NOT_WORD = re.compile(r"[^A-Za-z0-9 :_.-]", re.ASCII)
_MAX_NAME = 64


@dataclass(frozen=True)
class Report:
    """The delivery report of a notice: its number at the platform and the status (`success`, `failed:user block`)."""

    number: str
    word: str


@dataclass(frozen=True)
class Push:
    """One message or event. `sender` is the citizen's openid; it and the words are kept out of every repr."""

    form: Format
    receiver: str
    sender: str = field(repr=False)
    created: str
    kind: str
    event: str = ""
    event_key: str = field(default="", repr=False)
    message_id: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    about: str = field(default="", repr=False)
    """The openid that an event about personal data is about; empty when it is the sender."""
    reports: tuple[Report, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """Return a key that all tries of this push share and no other push has: the MsgId, or an event's fields.

        One tap may emit two events in one second, hence the event's name and key in it.
        """
        if self.message_id and self.kind != "event":
            return (self.sender, self.message_id)
        return (self.sender, self.created, self.kind, self.event, self.event_key, self.text)


def contents(push: Push) -> tuple[str, ...]:
    """Return every field of a push, independent of its format."""
    reports = (f"{report.number} {report.word}" for report in push.reports)
    return (push.receiver, *push.identity, push.message_id, push.created, push.kind, push.text, push.about, *reports)


def answer_time(push: Push, now: int) -> int | None:
    """Return the time (epoch ms) for the answer and its tickets: the push's own, which every try has.

    None when that is not near `now`: the clocks differ, or somebody made the push up.
    """
    created = int(push.created) * 1000
    return created if now - FRESH_MS <= created <= now + AHEAD_MS else None


def parse_push(body: bytes) -> Push | None:
    """Parse a signed body; None when its kind or its sender cannot be read."""
    form, fields = _read_fields(body)
    kind = fields.get("MsgType", "").strip().casefold()[:_MAX_NAME]
    sender = _openid(fields, "FromUserName")
    if not kind or not sender:
        return None
    event = fields.get("Event", "").strip().casefold()[:_MAX_NAME] if kind == "event" else ""
    created = _CREATED.match(fields.get("CreateTime", "").strip())
    return Push(
        form=form,
        receiver=_openid(fields, "ToUserName"),
        sender=sender,
        created=created[0] if created else "0",
        kind=kind,
        event=event,
        event_key=fields.get("EventKey", ""),
        message_id=fields.get("MsgId", ""),
        text=fields.get("Content", "") if kind == "text" else "",
        about=_openid(fields, "OpenID") if event in PERSONAL_EVENTS else "",
        reports=_parse_reports(event, form, fields, body),
    )


def _read_fields(body: bytes) -> tuple[Format, dict[str, str]]:
    try:
        form, fields = parse_body(body)
    except BadPush:
        return recover_fields(body)
    if fields.get("MsgType") == "text" and "Content" not in fields:
        return recover_fields(body)  # markup that a citizen typed made elements of the text
    return form, fields


def _parse_reports(event: str, form: Format, fields: Mapping[str, str], body: bytes) -> tuple[Report, ...]:
    if event == "templatesendjobfinish":
        return (_report(fields.get("MsgID", ""), fields.get("Status", "")),)
    if event != "subscribe_msg_sent_event":
        return ()
    return tuple(_report(item.get("MsgID", ""), item.get("ErrorStatus", "")) for item in parse_items(form, body))


def _report(number: str, word: str) -> Report:
    """Build a report with both values cut to 32 ASCII characters."""
    return Report(_NOT_WORD.sub("", number)[:MAX_WORD], _NOT_WORD.sub("", word)[:MAX_WORD])


def _openid(fields: Mapping[str, str], name: str) -> str:
    """Return an openid or account id; empty when it is missing or malformed."""
    value = fields.get(name, "").strip()
    return value if _WHO.fullmatch(value) else ""
