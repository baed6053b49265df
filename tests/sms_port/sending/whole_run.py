"""Gateway and ledger over any peer: every kind of message is sent once, and settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from config.ground import Ground
from sms_port.ledger.messages import Lane, Owed
from sms_port.models import State
from sms_port.sending.gateway import Gateway
from tests.sms_port.cmpp_peers import LONG
from tests.sms_port.messages import News, attempts_of, change_catalogue, make_code, make_reply, owe_all, state_of
from tests.support.servers import wait_until


def only_this_link(ground: Ground) -> None:
    """Switch the sandbox's HTTP link off, so that nothing goes another way."""
    change_catalogue(ground, ('enabled = true\nurl = "{sandbox}/sms"', 'enabled = false\nurl = "{sandbox}/sms"'))


def make_all_kinds(ground: Ground, phone: str) -> list[Owed]:
    """A code, short replies, and one of two parts."""
    return [make_code(ground, phone), *(make_reply(phone) for _ in range(3)), make_reply(phone, LONG)]


def send_all_kinds(
    ground: Ground,
    news: News,
    owed: Sequence[Owed],
    expected: frozenset[State] = frozenset({State.DELIVERED}),
    until: Callable[[], object] = lambda: True,
) -> None:
    """Send messages over the links of the catalogue and wait for an expected state of each, and for `until`."""
    gateway = Gateway(ground, news)
    try:
        owe_all(ground, *owed)
        gateway.pool.capacity(Lane.REPLY)
        gateway.pool.wait_ready(60)
        for lane in Lane:
            while gateway.send(lane):
                pass
        wait_until(lambda: {state_of(ground, one) for one in owed} <= expected)
        wait_until(until)
    finally:
        gateway.pool.close()
    assert [attempts_of(ground, one) for one in owed] == [1] * len(owed), "each is sent once"
    ours = {one.id for one in owed}
    assert sorted(one.message_id for one in news.told if one.message_id in ours) == sorted(ours), "each is told once"
    assert {one.kind for one in news.told if one.message_id in ours} == {"accepted"}
