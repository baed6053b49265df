"""Intent of a text that a citizen writes to the port number (pure).

One table of words. Case, width, blanks, quotes, punctuation, invisible signs, emoji and traditional characters make no
difference, and the words may stand in the usual phrases: 我要退订, 回复TD, “TD” 谢谢. A text that says anything else,
a negation or a question included, is OTHER.
"""

from __future__ import annotations

import re
import unicodedata

from sms_port.models import Intent

LONGEST = 40
"""Signs after which a text is more than a wish in a usual phrase."""

STOPS = re.compile(
    "TDD|TD|QX|STOP|UNSUBSCRIBE|CANCEL|QUIT|END|T|N|R|退订|退定|取消|停止|停发|拒收|拒绝|勿扰|关闭",
)
STOP_DIGITS = frozenset({"0000", "00000"})
RESUMES = re.compile("取消退订|撤销退订|取消拒收|恢复|开通|重新订阅|START|UNSTOP|HF")
FILLERS = (
    "我想要|我要|我想|我需要|我|本人|要求|申请|需要|请求|请|帮我|给我|麻烦|要|同意|确认|回复|回|发送|发|编辑|立即|马上|现在|"
    "你好|您好|谢谢|多谢|谢了|接收|订阅|所有|全部|你们的|这个|该|本|号码|验证码|短信|信息|消息|服务|业务|通知|推送|"
    "了|吧|啊|呀|哦|106[0-9]{5,17}"
)
STOP_PHRASE, RESUME_PHRASE = (re.compile(f"(?:{words.pattern}|{FILLERS})+") for words in (STOPS, RESUMES))
NO_MORE = re.compile(
    "请?(?:不要|别|勿|不想|不再)再?(?:给我)?(?:发送|发|接收|收)(?:了|短信|信息|消息|给我|验证码|到)*",
)

SIMPLIFIED = str.maketrans(
    "訂復覆複請號們業務驗證訊閱發煩絕關閉擾開給幫謝這個該購銷認說嗎為還來",
    "订复复复请号们业务验证讯阅发烦绝关闭扰开给帮谢这个该购销认说吗为还来",
)
LOOKALIKES = str.maketrans("ТтΤτᎢꓔᗪꓓ", "TTTTTTDD")
"""Letters of other scripts that a keyboard or a recogniser puts for T and D."""


def parse_intent(text: str) -> Intent:
    """Return what a text asks for."""
    words = normalise_words(text)
    if not words or len(words) > LONGEST:
        return Intent.OTHER
    if RESUMES.search(words) and RESUME_PHRASE.fullmatch(words):
        return Intent.OPT_IN
    if words in STOP_DIGITS or NO_MORE.fullmatch(words):
        return Intent.OPT_OUT
    return Intent.OPT_OUT if STOPS.search(words) and STOP_PHRASE.fullmatch(words) else Intent.OTHER


def normalise_words(text: str) -> str:
    """Return the letters, ideographs and digits of a text: in upper case, half width and simplified characters."""
    wide = unicodedata.normalize("NFKC", text[: LONGEST * 4]).translate(LOOKALIKES).translate(SIMPLIFIED).upper()
    return "".join(sign for sign in wide if unicodedata.category(sign)[0] in "LN")
