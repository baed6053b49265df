"""Words that citizens write: W rows of the collection (p2pu#593, #372 and our own docs), and variants."""

from __future__ import annotations

import pytest

from sms_port.ledger.intents import parse_intent
from sms_port.models import Intent

STOPS = [
    *("TD", "td", " Td\n", "ＴＤ", "ｔｄ", " ＴＤ ", "T", "t", "TDD", "N", "R", "QX", "0000", "T D", "TD\r\n"),
    *("'TD'", "(TD)", "TD!", "TD.", "TD。", "ＴＤ。", "“TD”", "【TD】", "TD\u3000", "TD\x00", "TD\ufffd", "TD10699000"),
    *("TD\u200b", "\u200bTD", "T\u200dD", "\ufeffTD", "\u0422D", "TD\ufe0f"),
    *("退订", "退订 ", "退订。", "退订！", "退訂", "停止", "取消", "退订TD", "TD退订"),
    *("回复TD", "我要退订", "请退订", "回复退订", "我要取消", "你好，我要退订，谢谢", "「退订」", "退订😡", "回T退订"),
    *(
        "退订短信",
        "取消订阅",
        "不要再发了",
        "别发了",
        "请不要再给我发短信",
        "拒收",
        "STOP",
        "stop.",
        "Unsubscribe",
        "回覆TD",
    ),
]
RESUMES = ["恢复", "恢复\u3000", "恢复。", "恢復", "回复恢复", "“恢复”", "我要恢复", "取消退订", "请恢复接收短信"]
OTHERS = [
    *(
        "",
        "您好",
        "TDX",
        "不退订",
        "482913",
        "取消恢复",
        "怎么退订？",
        "TD是什么",
        "我不想退订",
        "T恤",
        "恢复出厂设置",
        "12345",
    ),
    *("查账号 011234", "解绑", "不是我", "退" * 50, "退订" * 30, "😀", "。。。", "00"),
]


@pytest.mark.parametrize(
    ("text", "intent"),
    [(text, Intent.OPT_OUT) for text in STOPS]
    + [(text, Intent.OPT_IN) for text in RESUMES]
    + [(text, Intent.OTHER) for text in OTHERS],
)
def test_a_wish_is_understood_in_every_spelling_and_nothing_else_is(text: str, intent: Intent) -> None:
    assert parse_intent(text) is intent
