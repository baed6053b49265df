"""The words that a catalogue is written in: what a code, a line, an address may look like. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]
Block = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+(/[^\s?#{}]*)?$", max_length=500)]
PassedUrl = Annotated[
    str, StringConstraints(pattern=r"^(?i:https?)://[^\s\p{Cc}\p{Cf}/?#][^\s\p{Cc}\p{Cf}]*$", max_length=1024)
]
"""An address that is only passed on, such as a menu's: its form and length are the platform's to judge."""
PassedLine = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\r\n]+$")]
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.\-]+(:[0-9]{1,5})?$", max_length=253)]
LinkUrl = Annotated[
    str,
    StringConstraints(pattern=r"^(https?|cmpp|smpp)://[A-Za-z0-9.\-\[\]:]+(/[^\s?#{}]*)?$", max_length=500),
]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{3,20}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^1[3-9][0-9]{1,5}$")]
CertificateName = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{32}(?:_[0-9a-f]{32})*)?$", max_length=400)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Amount = Annotated[int, Field(ge=1, le=1_000_000_000)]
ServiceCode = Literal["internet-accounts", "phone-cards"]
Algorithm = Literal["hmac-sha256", "hmac-sm3"]
Lane = Literal["code", "reply"]
RequestKind = Literal["unbind", "dispute", "watch"]
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that are this very machine."""
WECHAT_URL = "https://api.weixin.qq.com"
Window = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")]


class StrictModel(BaseModel):
    """A table of the document: exact types, no unknown keys, unchangeable once loaded."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Bilingual(StrictModel):
    """Words in Chinese and English: `name.zh`, `name["zh-CN"]`, `name["en"]`."""

    zh: Block
    en: Block

    def __getitem__(self, language: str) -> str:
        """The words in `language` ("zh-CN", "zh" or "en"); KeyError for any other."""
        return {"zh-CN": self.zh, "zh": self.zh, "en": self.en}[language]

    def __str__(self) -> str:
        return self.zh
