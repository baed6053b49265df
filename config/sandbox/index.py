"""`GET /` of the sandbox: its phones, platforms, gateways and partners, what they received, and switches for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, render_template, request

from config.catalogue.schema import Entrance, Partner
from config.ground import Ground
from config.net.assets import load_assets
from config.net.response_headers import CONTENT_SECURITY_POLICY
from config.phone_numbers import mask_phone
from config.sandbox.behaviour import Behaviour
from config.sandbox.behaviour import make_blueprint as make_switches
from config.sandbox.received import Seen
from config.sandbox.words import Choice, gateway_choices, label, partner_choices
from config.times.formats import shanghai

PHONES_SHOWN: Final = 6
ACCOUNT_MODES: Final = {"plain": "公众号，明文模式", "compatible": "公众号，兼容模式", "safe": "公众号，安全模式"}
"""The wrapping of WeChat's pushes to an account."""


@dataclass(frozen=True)
class Row:
    """A side of the sandbox as its row shows it: the switch, the mode that is played, and what it received."""

    side: str
    name: str
    mode: str
    choices: list[Choice]
    seen: Seen
    receipts: int = 0

    @property
    def says(self) -> str:
        """Return what happens in the mode that is played."""
        return next((choice.says for choice in self.choices if choice.mode == self.mode), label(self.mode))


class Index:
    """The content of the index page, read from the catalogue and from what the sides noted."""

    def __init__(self, ground: Ground, behaviour: Behaviour) -> None:
        self._ground, self._behaviour = ground, behaviour

    def partners(self, kind: str) -> list[Row]:
        """The rows of the enterprises, or of the carriers."""
        found = [one for one in self._ground.catalogues.current().partners if one.kind == kind]
        return [self._partner(one) for one in found]

    def _partner(self, partner: Partner) -> Row:
        choices = partner_choices(self._behaviour.sides()[partner.code])
        return self._row(partner.code, partner.short_name, choices)

    def gateways(self) -> list[Row]:
        """The rows of the HTTP and the CMPP gateway."""
        names = {"http": "HTTP", "cmpp": "CMPP"}
        return [self._row(side, name, gateway_choices(side)) for side, name in names.items()]

    def _row(self, side: str, name: str, choices: list[Choice]) -> Row:
        received = self._behaviour.received
        receipts = received.of(f"{side} receipts").times
        return Row(side, name, self._behaviour.mode(side)[0], choices, received.of(side), receipts)

    def platforms(self) -> list[tuple[Entrance, str, str, int]]:
        """The official accounts and mini programs: each with its kind, the mode of its platform, and its calls."""
        found = []
        for entrance in self._ground.catalogues.current().entrances:
            side = "alipay" if entrance.kind == "alipay-applet" else "wechat"
            if entrance.app_id:
                kind = ACCOUNT_MODES[entrance.mode] if entrance.kind == "official-account" else ""
                calls = self._behaviour.received.of(entrance.code).times
                found.append((entrance, kind, self._behaviour.mode(side)[0], calls))
        return found

    def phones(self) -> list[Seen]:
        """The phones that received the latest texts."""
        return self._behaviour.received.phones(PHONES_SHOWN)


def make_blueprint(ground: Ground, behaviour: Behaviour) -> Blueprint:
    """The index page with its files, and the switches that it posts to."""
    blueprint = Blueprint("sandbox_index", __name__, template_folder="templates")
    blueprint.register_blueprint(make_switches(behaviour))
    index, assets = Index(ground, behaviour), load_assets("config.sandbox", "/index-assets")

    @blueprint.get("/")
    def show() -> Response:
        words = {"clock": clock_time, "mask": mask_phone, "label": label, "asset": assets.url}
        now, public_url = ground.clock.now(), ground.settings.public_url
        page = Response(render_template("sandbox_index.html", index=index, now=now, public_url=public_url, **words))
        page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        page.headers["Cache-Control"] = "no-store"
        page.headers["Referrer-Policy"] = "same-origin"
        page.headers["X-Content-Type-Options"] = "nosniff"
        return page

    @blueprint.get("/index-assets/<digest>/<path:name>")
    def asset(digest: str, name: str) -> Response:
        return assets.serve(digest, name, request)

    return blueprint


def clock_time(at: int, *, seconds: bool = False) -> str:
    """`14:05` or `14:05:20`, Asia/Shanghai."""
    return f"{shanghai(at):%H:%M:%S}" if seconds else f"{shanghai(at):%H:%M}"
