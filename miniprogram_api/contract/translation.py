"""The OpenAPI document in Chinese: each sentence by the table `zh_cn.toml`; one that is missing there stays English."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files

Translate = Callable[[str], str]

LANGUAGES = ("zh-CN", "en")


def translation_to(language: str) -> Translate:
    """Return a function that translates an English sentence into `language`."""
    return (lambda sentence: _chinese().get(sentence, sentence)) if language == "zh-CN" else (lambda sentence: sentence)


@cache
def _chinese() -> dict[str, str]:
    table = tomllib.loads(files("miniprogram_api.contract").joinpath("zh_cn.toml").read_text(encoding="utf-8"))
    return dict(table["sentences"])
