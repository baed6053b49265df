"""The words of the pages: FILES by key, in the reader's language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

FILES = ("texts.toml", "texts_objections.toml", "texts_others.toml")
LANGUAGES = ("zh-CN", "en")


@cache
def load_texts() -> Mapping[str, Mapping[str, str]]:
    """Every text of the package: key -> language -> text."""
    here = files("wechat.pages")
    read = [tomllib.loads(here.joinpath(name).read_text("utf-8")) for name in FILES]
    return {key: text for texts in read for key, text in texts.items()}


class Words:
    """The texts in one language.

    `words(key, ...)` is plain text, for titles, attributes and messages; `words.phrases(key, ...)` is markup in which
    a Chinese line breaks between phrases; `words.lines(key)` are the items of a list.
    """

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._texts = load_texts()

    def __call__(self, key: str, **values: object) -> str:
        return self._texts[key][self.language].replace("|", "").format(**values)

    def phrases(self, key: str, **values: object) -> Markup:
        """The text as markup: a span for each phrase, `values` escaped unless they are Markup."""
        parts = self._texts[key][self.language].split("|")
        if len(parts) == 1:
            return escape(parts[0]).format(**values)
        # A space inside a phrase's end would not be shown: phrases are blocks of their own.
        spans = (
            Markup('<span class="phrase">{}</span>{}').format(part.rstrip(), part[len(part.rstrip()) :])
            for part in parts
        )
        return Markup().join(spans).format(**values)

    def lines(self, key: str, **values: object) -> list[str]:
        """The items of a text of several lines."""
        return self(key, **values).split("\n")

    def counted(self, key: str, n: int, **values: object) -> str:
        """The text for `n` things: `<key>.one` where there is such a text and n is 1."""
        singular = f"{key}.one"
        return self(singular if n == 1 and singular in self._texts else key, n=n, **values)

    def script(self, *prefixes: str, **more: object) -> dict[str, object]:
        """The texts whose keys begin so, as they are written: the script fills them in by the same rules."""
        found = {key: text[self.language] for key, text in self._texts.items() if key.startswith(prefixes)}
        return found | more
