"""The shape of the catalogue: frozen models, one for each part of the document. Pure.

Units are in the names: `_s` seconds, `_hour`, `_minute` and `_day` counts within that time. What only
holds between parts (a code used twice, a text too long) is checked in `catalogue_rules`.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.catalogue.fields import (
    WECHAT_URL,
    Algorithm,
    Bilingual,
    Block,
    CertificateName,
    Code,
    Digits,
    Host,
    Line,
    LinkUrl,
    Prefix,
    RequestKind,
    Seconds,
    ServiceCode,
    StrictModel,
    Url,
    Window,
)
from config.catalogue.limits import HumanCheck, Limits, NextDayNotice
from config.catalogue.links import Link
from config.catalogue.menus import MenuItem


class Operator(StrictModel):
    """The operator of the service and how to reach it: for the foot of every page and the privacy notice.

    `filing`: the number under which the site is registered (ICP). `demonstration`: nobody runs it for citizens.
    """

    name: Bilingual
    demonstration: bool = False
    filing: Line | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+][0-9 +-]{3,30}$")] | None = None
    mail: Annotated[str, StringConstraints(pattern=r"^[^\s@<>\"]{1,64}@[A-Za-z0-9.-]{3,120}$")] | None = None


class PageLogin(StrictModel):
    """Switches on that pages opened in WeChat learn the visitor's openid; `url` is where WeChat logs people in."""

    url: Url = "https://open.weixin.qq.com"


class Notice(StrictModel):
    """A subscription notice after acceptance: the template, and which of its keywords takes what."""

    template_id: Line
    reference: Annotated[str, StringConstraints(pattern=r"^(character_string|thing)[0-9]{1,2}$")]
    status: Annotated[str, StringConstraints(pattern=r"^(phrase|thing)[0-9]{1,2}$")]


class Entrance(StrictModel):
    """An entrance for citizens. The keys in `ACCOUNT_KEYS` belong to official accounts.

    `mode`: how WeChat pushes to `/wechat/<code>`: to every official account, and to a mini program with `push`.

    `base_url`: the platform's API. An official account without it uses WeChat's own address; nobody logs into a mini
    program without it. `key_mode` and the certificates' serial numbers are Alipay's. `domain_proof`: the name in the
    file MP_verify_….txt. `script_hosts`: the hosts whose pages may use the JS-SDK in this account's name. Through an
    entrance that is not `enabled` nobody comes in, and no code is sent for who is in; `human_check`: whether sessions
    of it without an openid meet the check, where it is switched on. `key_id`: of a carrier's voice system or
    shops, which sign each call (secret `<code>.key`).
    """

    code: Code
    kind: Literal["official-account", "wechat-applet", "alipay-applet", "web", "voice", "counter"]
    name: Bilingual
    app_id: str = ""
    base_url: Url | None = None
    original_id: str = ""
    mode: Literal["plain", "compatible", "safe"] = "safe"
    push: bool = False
    welcome: bool = False
    menu: tuple[MenuItem, ...] = ()
    key_mode: Literal["public-key", "certificate"] = "public-key"
    app_cert_sn: CertificateName = ""
    root_cert_sn: CertificateName = ""
    domain_proof: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{0,64}$")] = ""
    page_login: PageLogin | None = None
    script_hosts: tuple[Host, ...] = ()
    notice: Notice | None = None
    enabled: bool = True
    human_check: bool = True
    key_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,32}$")] = ""

    @property
    def is_signed(self) -> bool:
        """Return whether this entrance signs its calls: a carrier's voice system or shops."""
        return self.kind in ("voice", "counter")

    @property
    def is_pushed_to(self) -> bool:
        """Return whether WeChat pushes to this entrance."""
        return self.kind == "official-account" or (self.kind == "wechat-applet" and self.push)

    @property
    def platform_url(self) -> str:
        """The base address of WeChat's API for this account."""
        return self.base_url or WECHAT_URL


class Service(StrictModel):
    """One of the two services and its time limits, counted from acceptance (`patience_s`: from asking)."""

    code: ServiceCode
    name: Bilingual
    enabled: bool = True
    fields: tuple[Literal["phone", "id_tail", "name", "id_number", "code", "consent"], ...]
    patience_s: Annotated[int, Field(ge=1, le=158_400)]
    identity_patience_s: Annotated[int, Field(ge=1, le=21_600)]
    decision_s: Annotated[int, Field(ge=1, le=158_400)]
    reply_within_s: Annotated[int, Field(ge=1, le=172_800)]


class Application(StrictModel):
    """A product of an enterprise. `assumption`: nobody has attested that the real service counts it."""

    code: Code
    name: Bilingual
    assumption: bool = False


class Hotline(StrictModel):
    """A company's telephone number for objections. Without `verified_on` it is a lead to verify."""

    number: Annotated[str, StringConstraints(pattern=r"^[0-9][0-9-]{3,19}$")]
    hours: Bilingual | None = None
    source: Line | None = None
    verified_on: datetime.date | None = None


class Guide(StrictModel):
    """Steps to see details and remove an account in the company's own product; None: general wording."""

    details: Bilingual | None = None
    removal: Bilingual | None = None
    source: Line | None = None
    verified_on: datetime.date | None = None


class Partner(StrictModel):
    """A carrier or enterprise. `retry_s`: waits between tries (the last one repeats); `prefixes`: a carrier's numbers.

    `next_key_id`: the key that is to follow, while keys change. `concurrency` and `calls_per_s` hold for all workers
    together (0: no limit a second). `closed`: hours of the day, in Shanghai, when it is not asked and nobody's patience
    runs. `callback_s`: how long after a 202 the answer is waited for before it is asked again.

    `requests`: the kinds of requests that an enterprise takes; for all else there is its guide. `tenure`: a carrier
    tells whether a number still has the same holder. `events`: an enterprise tells of new accounts by itself.
    """

    code: Code
    kind: Literal["enterprise", "carrier"]
    name: Bilingual
    short_name: Line
    enabled: bool = True
    base_url: Url
    key_id: Code
    next_key_id: Code | None = None
    algorithm: Algorithm = "hmac-sha256"
    seal: Literal["none", "A256GCM", "SM4GCM"] = "none"
    allow_private: bool = False
    batch_size: Annotated[int, Field(ge=1, le=500)]
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    calls_per_s: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    closed: Annotated[tuple[Window, ...], Field(max_length=8)] = ()
    callback_s: Seconds = 900.0
    requests: Annotated[tuple[RequestKind, ...], Field(max_length=3)] = ()
    tenure: bool = False
    events: bool = False
    breaker_failures: Annotated[int, Field(ge=1, le=1000)] = 5
    breaker_s: Seconds = 30.0
    connect_s: Seconds
    read_s: Seconds
    total_s: Seconds
    retry_s: Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=20)]
    applications: tuple[Application, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    guide: Guide = Guide()
    hotline: Hotline | None = None

    @property
    def counted(self) -> tuple[Application, ...]:
        """The applications this partner counts: an enterprise's own; a carrier counts its cards."""
        return self.applications or (Application(code=self.code, name=self.name),)

    @property
    def shown_hotline(self) -> Hotline | None:
        """The hotline, only when it was verified."""
        return self.hotline if self.hotline and self.hotline.verified_on else None

    @property
    def shown_guide(self) -> Guide | None:
        """The guide, only when it was verified."""
        return self.guide if self.guide.verified_on else None


class Objections(StrictModel):
    """Switches objections on: the working days that companies have for each wish."""

    enabled: bool = True
    unbind_days: Annotated[int, Field(ge=1, le=30)] = 5
    dispute_days: Annotated[int, Field(ge=1, le=30)] = 10


class CalendarYear(StrictModel):
    """A year's departures from the plain week: days off, and Saturdays and Sundays that are worked."""

    year: Annotated[int, Field(ge=2020, le=2100)]
    rest: tuple[datetime.date, ...]
    work: tuple[datetime.date, ...] = ()
    source: Line | None = None
    verified_on: datetime.date | None = None


class Texts(StrictModel):
    """SMS texts by name (zh-CN only) and chat answers by topic and language, with `{places}` to fill."""

    sms: dict[str, Line]
    chat: dict[str, dict[str, Block]]


class Catalogue(StrictModel):
    """The whole document, as a process reads it. `version` is 0 until the store has numbered it."""

    version: int = 0
    operator: Operator
    addresses: dict[Code, LinkUrl] = {}
    port_number: Digits
    signature: Annotated[str, StringConstraints(pattern=r"^【[^【】]{1,18}】$")]
    entrances: tuple[Entrance, ...]
    services: tuple[Service, ...]
    partners: tuple[Partner, ...]
    links: tuple[Link, ...]
    limits: Limits
    objections: Objections | None = None
    calendar: tuple[CalendarYear, ...] = ()
    human_check: HumanCheck = HumanCheck()
    next_day_notice: NextDayNotice = NextDayNotice()
    texts: Texts

    def entrance(self, code: str) -> Entrance | None:
        """The entrance of that code."""
        return next((entrance for entrance in self.entrances if entrance.code == code), None)

    def service(self, code: str) -> Service | None:
        """The service of that code, if it is open to new inquiries (`services` has the closed ones too)."""
        return next((service for service in self.services if service.code == code and service.enabled), None)

    def partner(self, code: str) -> Partner | None:
        """The partner of that code, enabled or not: questions put before it was disabled still name it."""
        return next((partner for partner in self.partners if partner.code == code), None)

    def link(self, code: str) -> Link | None:
        """The link of that code, enabled or not: its receipts still come in."""
        return next((link for link in self.links if link.code == code), None)

    def codes_per_second(self) -> int:
        """Return how many verification codes a second the enabled links can send; a code is one part."""
        return sum(link.parts_per_second for link in self.links if link.enabled and "code" in link.lanes)

    def is_claimed(self, phone: str) -> bool:
        """Return whether some carrier claims the number's prefix; True where the catalogue names no prefixes at all."""
        prefixes = tuple(prefix for partner in self.partners for prefix in partner.prefixes)
        return not prefixes or phone.startswith(prefixes)

    def enterprises(self) -> tuple[Partner, ...]:
        """The enabled enterprises; their order is the order of the SMS."""
        return tuple(partner for partner in self.partners if partner.enabled and partner.kind == "enterprise")

    def application_count(self) -> int:
        """Return how many applications the enabled enterprises count."""
        return sum(len(company.applications) for company in self.enterprises())

    def carriers(self) -> tuple[Partner, ...]:
        """The enabled carriers, in order."""
        return tuple(partner for partner in self.partners if partner.enabled and partner.kind == "carrier")

    def carrier_order(self, phone: str) -> tuple[Partner, ...]:
        """Return the carriers to ask about `phone`: first that of the longest matching prefix, then the others."""
        return tuple(sorted(self.carriers(), key=lambda carrier: -_matching_digits(carrier, phone)))


def _matching_digits(carrier: Partner, phone: str) -> int:
    if not phone.startswith(carrier.prefixes):  # nearly all of some forty carriers
        return 0
    return max(len(prefix) for prefix in carrier.prefixes if phone.startswith(prefix))
