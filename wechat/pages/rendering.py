"""What every page is rendered with: words, display, assets, and the facts of the catalogue that stand in the frame."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Request, make_response, render_template, request
from flask.wrappers import Response

from config.catalogue.schema import Catalogue
from config.errors import ConfigError
from config.ground import Ground
from config.net.assets import load_assets
from wechat.pages.forms import SERVICES
from wechat.pages.preferences import read_display
from wechat.pages.texts import Words
from wechat.pages.times import MONTHS, day, remaining, soon

NAMED_APPS = 3
"""The applications that home's text names before "and so many others"."""


@dataclass(frozen=True)
class Facts:
    """What the pages say of the service: how many companies and applications, who runs it, what is closed."""

    companies: int = 0
    apps: int = 0
    operator_zh: str = ""
    operator_en: str = ""
    filing: str = ""
    closed: frozenset[str] = frozenset()
    objections: bool = False

    @property
    def others(self) -> int:
        """Applications beyond the named ones."""
        return max(0, self.apps - NAMED_APPS)


class Renderer:
    """Renders templates; remembers the catalogue's facts, so that a page can still say the service is down."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._facts = Facts()
        self.assets = load_assets("wechat.pages", "/assets")

    def words(self, request: Request) -> Words:
        """The texts in the reader's language."""
        return Words(read_display(request.cookies).lang)

    def page(self, name: str, **values: Any) -> Response:
        """`templates/pages/<name>.html`."""
        words = self.words(request)
        context: dict[str, Any] = {
            "words": words,
            "display": read_display(request.cookies),
            "asset": self.assets.url,
            "public_url": self._ground.settings.public_url,
            "facts": self.facts(),
            "months": MONTHS,
            "sms_day": day(self._ground.clock.now(), Words("zh-CN")).replace(" ", ""),
        }
        if name == "guides":
            context["partners"] = self._ground.catalogues.current().enterprises()
        return make_response(render_template(f"pages/{name}.html", **context | values))

    def wait(self, seconds: int) -> dict[str, str]:
        """When it may be tried again, and how long that is, in words."""
        now, words = self._ground.clock.now(), self.words(request)
        return {"when": soon(now + seconds * 1000, now, words), "left": remaining(seconds, words)}

    def facts(self) -> Facts:
        """The catalogue's facts; the last ones known while it cannot be read."""
        with suppress(ConfigError):
            self._facts = _facts(self._ground.catalogues.current())
        return self._facts


def _facts(catalogue: Catalogue) -> Facts:
    companies = catalogue.enterprises()
    return Facts(
        companies=len(companies),
        apps=sum(len(company.applications) for company in companies),
        operator_zh=catalogue.operator.name.zh,
        operator_en=catalogue.operator.name.en,
        filing=catalogue.operator.filing,
        objections=catalogue.objections is not None and catalogue.objections.enabled,
        closed=frozenset(service for service in SERVICES if catalogue.service(service) is None),
    )
