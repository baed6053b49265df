"""The words that the sandbox's index page has for the modes of its sides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

_LABELS: Final = {  # in the order of a switch
    "ok": "正常",
    "slow": "慢",
    "500": "500",
    "garbage": "乱码",
    "silent": "静默",
    "retry": "重试",
    "callback": "回调",
    "429": "429",
    "mismatch": "不符",
    "inactive": "停用",
    "not_ours": "非本网",
    "since": "入网时间",
    "reject": "拒绝",
    "timeout_after_accept": "收下后超时",
    "no_receipt": "无回执",
    "snapshot": "快照页",
}
_PARTNER_SAYS: Final = {
    "ok": "立即答复",
    "slow": "{seconds} 秒后答复",
    "500": "答 500",
    "garbage": "答不成句的内容",
    "silent": "收下请求，不答复",
    "retry": "答“稍后再问”",
    "callback": "先回 202，稍后送回答复",
    "429": "答 429，请稍后再来",
    "mismatch": "答“不符”",
    "inactive": "答“停用”",
    "not_ours": "答“非本网”，改问下一家",
    "since": "相符，并告知入网时间",
}
_GATEWAY_SAYS: Final = {
    "ok": "收下，送回执",
    "slow": "{seconds} 秒后应答",
    "500": "不收",
    "reject": "拒收",
    "timeout_after_accept": "收下，不应答",
    "no_receipt": "收下，不送回执",
}
_SLOW_S: Final = {"http": 3, "cmpp": 1}
_SLOW_PARTNER_S: Final = 5
_SHOWN_OF_GATEWAY: Final = ("ok", "slow", "500", "reject", "timeout_after_accept", "no_receipt")


@dataclass(frozen=True)
class Choice:
    """One mode of a switch: what stands on it, and what then happens."""

    mode: str
    label: str
    says: str


def partner_choices(modes: Collection[str]) -> list[Choice]:
    """The switch of a partner, with its own modes."""
    return [_choice(mode, _PARTNER_SAYS, _SLOW_PARTNER_S) for mode in _LABELS if mode in modes]


def gateway_choices(side: str) -> list[Choice]:
    """The switch of one of the two gateways."""
    return [_choice(mode, _GATEWAY_SAYS, _SLOW_S[side]) for mode in _SHOWN_OF_GATEWAY]


def label(mode: str) -> str:
    """A mode in a word."""
    return _LABELS.get(mode, mode)


def _choice(mode: str, says: Mapping[str, str], slow_s: int) -> Choice:
    return Choice(mode, label(mode), says.get(mode, label(mode)).format(seconds=slow_s))
