"""Handles a push: check, decrypt, note the event, compose the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from config.ground import Ground
from config.telemetry.log import get_logger
from config.telemetry.recent_counts import PUSH_UNREADABLE, count_event
from query.access.tickets import Ticket, build_ticket
from wechat.errors import SignatureWrong
from wechat.webhook import autoreply
from wechat.webhook.account_keys import Account, Accounts
from wechat.webhook.answer_memory import AnswerMemory
from wechat.webhook.autoreply import KNOWN_EVENTS, Links, Topic
from wechat.webhook.crypto import sign
from wechat.webhook.events import note_event
from wechat.webhook.message import Push, answer_time, contents
from wechat.webhook.push import MAX_BODY, NOTHING, Envelope, Stamp, build_answer, check_stamp, check_url, open_push

log = get_logger(__name__)


@dataclass(frozen=True)
class Reply:
    """The HTTP answer's body and its media type."""

    body: bytes = field(repr=False)
    media: Literal["text/plain", "text/xml", "application/json"] = "text/plain"


SILENCE = Reply(NOTHING)


class Reception:
    """Answers WeChat's calls to the accounts of the catalogue. One per process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._accounts = Accounts(ground)
        self._memory = AnswerMemory(ground)

    def confirm_url(self, code: str, stamp: Stamp, echo: str) -> Reply:
        """Answer the platform's URL check.

        Raises AccountUnknown or BadPush.
        """
        account = self._accounts.find(code)
        answer = check_url(stamp, echo, account.keys, self._ground.clock.now())
        self._refuse_replay(account, stamp, None, ("url check",))
        return Reply(answer.encode())

    def receive(self, code: str, stamp: Stamp, read: Callable[[int], bytes]) -> Reply:
        """Answer a push. `read(n)` reads at most n bytes of the body; it is called only once the stamp holds.

        Raises AccountUnknown or BadPush.
        """
        account = self._accounts.find(code)
        check_stamp(stamp, account.keys, self._ground.clock.now())
        body = read(MAX_BODY + 1)
        push, envelope = open_push(stamp, body, account.keys)
        self._refuse_replay(account, stamp, envelope, contents(push) if push else (str(body),))
        if push is None:
            log.error(PUSH_UNREADABLE, account=code, sealed=stamp.sealed)
            count_event(self._ground.redis, PUSH_UNREADABLE, self._ground.clock.now())
            return SILENCE
        note_event(self._ground, code, push)
        topic = _choose_topic(account, push)
        _note(account, push, topic)
        if topic == "none" or not push.receiver:
            return SILENCE
        body = self._answer_once(account, push, envelope, topic)
        return SILENCE if body == NOTHING else Reply(body, _media(push, envelope))

    def _refuse_replay(
        self, account: Account, stamp: Stamp, envelope: Envelope | None, content: tuple[str, ...]
    ) -> None:
        """Refuse a signed address that came before with another body. Raises SignatureWrong.

        Of a safe account nothing is remembered: each of its signatures covers the body.
        """
        if account.keys.mode == "safe" or not account.well:
            return
        signature = stamp.signature
        if envelope is not None:  # not looked at yet, and good for a plain push of the same account
            signature = sign(envelope.token, stamp.timestamp, stamp.nonce)
        if self._memory.is_replay(account.keys.app_id, signature, *content):
            raise SignatureWrong("The address was signed for another body.")

    def _answer_once(self, account: Account, push: Push, envelope: Envelope | None, topic: Topic) -> bytes:
        if not account.well:
            # Neither a ticket nor an answer to remember can be sealed now.
            down: Topic = "down" if topic in ("menu", "objection") else topic
            return self._answer(account, push, envelope, down, self._ground.clock.now())
        now = self._ground.clock.now()
        at = answer_time(push, now)
        if at is not None:
            return self._answer(account, push, envelope, topic, at)
        return self._memory.once(account.keys.app_id, push, lambda: self._answer(account, push, envelope, topic, now))

    def _answer(self, account: Account, push: Push, envelope: Envelope | None, topic: Topic, now: int) -> bytes:
        """Compose the answer from the arguments alone, so that every process gives every try the same bytes."""
        answer = autoreply.compose(push, topic, account.texts, lambda: self._links(account, push, now))
        return build_answer(push, envelope, answer.text, now)

    def _links(self, account: Account, push: Push, now: int) -> Links:
        """Build the links of the open services, with a ticket that names the entrance and the sealed openid."""
        occasion = "\n".join(push.identity).encode()
        ticket = build_ticket(self._ground.keys, Ticket(account.keys.code, push.sender, now), occasion)
        pages = self._ground.settings.public_url.rstrip("/")
        at = {service: f"{pages}/{service}?ticket={ticket}" for service in account.offered}
        known = (at.get("internet-accounts"), at.get("phone-cards"))
        return Links(*known, home=f"{pages}/", objections=at.get("objections"))


def _choose_topic(account: Account, push: Push) -> Topic:
    """Return the topic; `none` for a mini program, where WeChat shows no passive reply."""
    if account.entrance.kind != "official-account":
        return "none"
    return autoreply.choose_topic(push, welcome=account.entrance.welcome, port_number=account.port_number)


def _note(account: Account, push: Push, topic: Topic) -> None:
    if push.kind == "event" and push.event not in KNOWN_EVENTS:
        log.info("event_unknown", account=account.keys.code, wechat_event=push.event)
    else:
        log.debug("push_received", account=account.keys.code, kind=push.kind, wechat_event=push.event, topic=topic)


def _media(push: Push, envelope: Envelope | None) -> Literal["text/xml", "application/json"]:
    form = push.form if envelope is None else envelope.form
    return "application/json" if form == "json" else "text/xml"
