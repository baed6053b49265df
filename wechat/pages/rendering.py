"""Renders every page with its words, display, assets, and the catalogue's facts in the frame."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Request, make_response, render_template, request
from flask.wrappers import Response

from config.catalogue.launch import is_trial, uses_sandbox
from config.catalogue.schema import Catalogue, Objections, Operator
from config.catalogue.texts import NAMED_APPS
from config.errors import ConfigError
from config.ground import Ground
from config.net.assets import load_assets
from wechat.pages.forms import SERVICES
from wechat.pages.preferences import read_display
from wechat.pages.texts import Words
from wechat.pages.times import MONTHS, day, remaining, soon

KEPT_FOR = (
    *("id", "counts", "phone", "nextday", "objection", "watch", "help", "code", "openid"),
    *("segment", "text", "index", "out"),
)
"""What is kept for a time, in the order of the page on rights; the words are `ri.k.<name>`."""


@dataclass(frozen=True)
class Facts:
    """The facts the pages give of the service: numbers of companies and applications, its operator, what is closed.

    `account`: the name of an official account through which inquiries come in; its followers meet no security check.
    `guided`: there is a guide or a hotline to show. `trial`: nothing is real, so leads are shown as leads. `sandbox`:
    something leads to the sandbox, so every page says that it is a demonstration. `days`: what companies have for a
    request, in working days, whether or not requests are taken now.
    """

    companies: int = 0
    apps: int = 0
    operator: Operator | None = None
    account: str = ""
    closed: frozenset[str] = frozenset()
    objections: bool = False
    helps: bool = False
    verifies: bool = False
    days: Objections = Objections()
    guided: bool = False
    trial: bool = False
    sandbox: bool = False

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
            "kept_for": KEPT_FOR,
            "months": MONTHS,
            "sms_day": day(self._ground.clock.now(), Words("zh-CN")).replace(" ", ""),
        }
        if name in ("guides", "guide", "form"):
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
    companies, trial = catalogue.enterprises(), is_trial(catalogue)
    accounts = [each for each in catalogue.entrances if each.kind == "official-account"]
    return Facts(
        companies=len(companies),
        apps=catalogue.application_count(),
        operator=catalogue.operator,
        account=next((each.name.zh for each in accounts if each.enabled), ""),
        objections=catalogue.objections is not None and catalogue.objections.enabled,
        verifies="verification-code" in catalogue.texts.sms,
        helps="help-offer" in catalogue.texts.sms and catalogue.service("internet-accounts") is not None,
        days=catalogue.objections or Objections(),
        closed=frozenset(service for service in SERVICES if catalogue.service(service) is None),
        guided=trial or any(company.shown_guide or company.shown_hotline for company in companies),
        trial=trial,
        sandbox=uses_sandbox(catalogue),
    )
