"""Rules between the parts of a catalogue: errors that refuse it, and warnings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from config.catalogue.fields import LOOPBACK
from config.catalogue.links import Link
from config.catalogue.menus import find_limit_faults, find_menu_faults
from config.catalogue.schema import Catalogue, Entrance, Partner
from config.catalogue.texts import find_text_faults, find_text_warnings

SCHEMES = {"http": ("http", "https"), "cmpp": ("cmpp",), "smpp": ("smpp",), "aliyun": ("http", "https")}
SP_ID_LENGTH, LONGEST_SENDER = 6, 20
SYSTEM_ID_LENGTH, SERVICE_TYPE_LENGTH = 15, 5
SATURDAY = 5
MAX_CALLS = 20
"""Calls that a partner may get about one inquiry before its patience is over."""

ACCOUNT_KEYS = ("menu", "welcome", "original_id", "domain_proof", "page_login", "script_hosts", "notice")


def find_faults(catalogue: Catalogue, *, whole: bool = True) -> list[str]:
    """Everything for which the catalogue must be refused, one line each with its place and what to do.

    What is not `whole` lacks entries that had faults of their own: nothing is told then that may come of that alone.
    """
    checks = (
        _codes,
        _entrances,
        _services,
        _partners,
        _carriers,
        _calendar,
        find_text_faults,
        *([_links] if whole else []),
    )
    return [fault for check in checks for fault in check(catalogue)]


def find_warnings(catalogue: Catalogue) -> list[str]:
    """List what may be applied although it costs money or safety."""
    checks = (_menus, _modes, _open_addresses, _private_addresses, find_text_warnings)
    return [warning for check in checks for warning in check(catalogue)]


def _menus(catalogue: Catalogue) -> Iterator[str]:
    for entrance in catalogue.entrances:
        for fault in find_limit_faults(entrance.menu) if entrance.kind == "official-account" else ():
            yield f"entrances[{entrance.code}].menu: cannot be pushed: {fault}"


def _modes(catalogue: Catalogue) -> Iterator[str]:
    for entrance in catalogue.entrances:
        if entrance.is_pushed_to and entrance.mode != "safe":
            yield (
                f"entrances[{entrance.code}].mode: is {entrance.mode}, in which WeChat's signature does not cover the "
                "body; go over to safe here and in WeChat's back office"
            )


def _open_addresses(catalogue: Catalogue) -> Iterator[str]:
    places = [(f"partners[{partner.code}].base_url", partner.base_url) for partner in catalogue.partners]
    places += [(f"links[{link.code}].url", link.url) for link in catalogue.links]
    places += [(f"entrances[{door.code}].base_url", door.base_url) for door in catalogue.entrances if door.base_url]
    for place, url in places:
        if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in LOOPBACK:
            yield f"{place}: is not https; what is sent there can be read on the way"


def _private_addresses(catalogue: Catalogue) -> Iterator[str]:
    for partner in catalogue.partners:
        if partner.allow_private and urlsplit(partner.base_url).hostname not in LOOPBACK:
            yield f"partners[{partner.code}].allow_private: remove it unless this partner is in your own network"


def _codes(catalogue: Catalogue) -> Iterator[str]:
    applications = [application.code for partner in catalogue.partners for application in partner.applications]
    yield from _twice("entrances", (entrance.code for entrance in catalogue.entrances))
    yield from _twice("services", (service.code for service in catalogue.services))
    yield from _twice("partners", (partner.code for partner in catalogue.partners))
    yield from _twice("links", (link.code for link in catalogue.links))
    yield from _twice("partners[…].applications", applications)
    for code in {partner.code for partner in catalogue.partners} & {link.code for link in catalogue.links}:
        yield f"links[{code}].code: a partner has it too and would share the secret {code}.key; choose another"


def _twice(place: str, codes: Iterable[str]) -> Iterator[str]:
    for code, times in Counter(codes).items():
        if times > 1:
            yield f"{place}: the code {code} is used {times} times; keep one"


def _shared(place: str, key: str, claims: Sequence[tuple[str, str]]) -> Iterator[str]:
    """List values that more than one entry has, where only one may. `claims`: pairs of value (or empty) and owner."""
    for claimed, times in Counter(claimed for claimed, _ in claims if claimed).items():
        if times > 1:
            owners = f"] and {place}[".join(code for other, code in claims if other == claimed)
            yield f"{place}[{owners}].{key}: both claim {claimed}; leave it to one"


def _entrances(catalogue: Catalogue) -> Iterator[str]:
    for key in ("app_id", "original_id", "key_id"):
        yield from _shared("entrances", key, [(getattr(door, key), door.code) for door in catalogue.entrances])
    for entrance in catalogue.entrances:
        place = f"entrances[{entrance.code}]"
        if entrance.is_signed != bool(entrance.key_id):
            yield f"{place}.key_id: names the key of a voice or counter entrance, and of no other"
        if entrance.kind != "web" and not entrance.is_signed and not entrance.app_id:
            yield f"{place}.app_id: is missing; the platform's back office shows it"
        if entrance.kind == "official-account":
            if not entrance.original_id:
                yield f"{place}.original_id: is missing; the platform's back office shows it (gh_…)"
            yield from find_menu_faults(f"{place}.menu", entrance.menu)
        elif any(getattr(entrance, key) for key in ACCOUNT_KEYS):
            yield f"{place}: only an official account has {', '.join(ACCOUNT_KEYS)}; remove them"
        yield from _applet(place, entrance)


def _applet(place: str, entrance: Entrance) -> Iterator[str]:
    if entrance.push and entrance.kind != "wechat-applet":
        yield f"{place}.push: only a WeChat mini program has it; remove it"
    if entrance.key_mode == "certificate" and not (entrance.app_cert_sn and entrance.root_cert_sn):
        yield f"{place}.app_cert_sn and root_cert_sn: are missing; certificate mode needs both (docs/applets)"


def _services(catalogue: Catalogue) -> Iterator[str]:
    for service in catalogue.services:
        if not service.identity_patience_s + service.patience_s <= service.decision_s < service.reply_within_s:
            yield (
                f"services[{service.code}].decision_s: must be at least identity_patience_s + patience_s, "
                "and less than reply_within_s"
            )


def _partners(catalogue: Catalogue) -> Iterator[str]:
    for partner in catalogue.partners:
        place = f"partners[{partner.code}]"
        if (partner.kind == "enterprise") != bool(partner.applications):
            yield f"{place}.applications: an enterprise has at least one, a carrier none"
        if (partner.kind == "carrier") != bool(partner.prefixes):
            yield f"{place}.prefixes: a carrier has at least one, an enterprise none"
        if partner.total_s < max(partner.connect_s, partner.read_s):
            yield f"{place}.total_s: must not be less than connect_s or read_s"
        if partner.hotline and partner.hotline.verified_on and not partner.hotline.source:
            yield f"{place}.hotline.source: is missing; say where the number was read"
        if partner.guide.verified_on and not partner.guide.source:
            yield f"{place}.guide.source: is missing; say where the steps were read"
        yield from _requests(place, partner)
        yield from _terms(place, partner)
        yield from _calls(place, partner, catalogue)


def _calendar(catalogue: Catalogue) -> Iterator[str]:
    for place, year in enumerate(catalogue.calendar):
        if any(day.year != year.year for day in (*year.rest, *year.work)):
            yield f"calendar[{place}].rest: has a day of another year; move it there"
        if any(day.weekday() < SATURDAY for day in year.work):
            yield f"calendar[{place}].work: has a day that is worked anyway; write Saturdays and Sundays only"
        if set(year.rest) & set(year.work):
            yield f"calendar[{place}].work: has a day that is in rest too; keep one"
    for number, times in Counter(year.year for year in catalogue.calendar).items():
        if times > 1:
            yield f"calendar: the year {number} is there {times} times; keep one"


def _requests(place: str, partner: Partner) -> Iterator[str]:
    if partner.kind == "carrier" and (partner.requests or partner.events):
        yield f"{place}.requests: only an enterprise takes requests and sends events; remove requests and events"
    if partner.kind == "enterprise" and partner.tenure:
        yield f"{place}.tenure: only a carrier knows a number's holder; remove it"
    if partner.events and "watch" not in partner.requests:
        yield f'{place}.events: are sent about watches; add "watch" to requests'


def _terms(place: str, partner: Partner) -> Iterator[str]:
    if any(window[:5] == window[6:] for window in partner.closed):
        yield f"{place}.closed: begins when it ends; write the hours when it is not asked, such as 23:30-06:00"
    if partner.next_key_id == partner.key_id:
        yield f"{place}.next_key_id: is the key in use; give the next one a name of its own"


def _calls(place: str, partner: Partner, catalogue: Catalogue) -> Iterator[str]:
    """A partner must not be called without end about one inquiry."""
    patience = {"enterprise": "patience_s", "carrier": "identity_patience_s"}[partner.kind]
    longest = max((getattr(service, patience) for service in catalogue.services), default=0)
    calls, waited = 1, 0.0
    while calls <= MAX_CALLS and (waited := waited + partner.retry_s[min(calls, len(partner.retry_s)) - 1]) < longest:
        calls += 1
    if calls > MAX_CALLS:
        yield f"{place}.retry_s: leads to more than {MAX_CALLS} calls within the patience; write longer waits"


def _carriers(catalogue: Catalogue) -> Iterator[str]:
    claims = [(prefix, partner.code) for partner in catalogue.partners for prefix in partner.prefixes]
    for fault in _shared("partners", "prefixes", claims):
        yield f"{fault} (a longer prefix wins over it)"


def _links(catalogue: Catalogue) -> Iterator[str]:
    for lane in ("code", "reply"):
        if not any(link.enabled and lane in link.lanes for link in catalogue.links):
            yield f"links: no enabled link carries the lane {lane}; enable one, or nothing of it is ever sent"
    for link in catalogue.links:
        if link.total_s < max(link.connect_s, link.read_s):
            yield f"links[{link.code}].total_s: must not be less than connect_s or read_s"
        if not link.port_number.startswith(catalogue.port_number):
            yield f"links[{link.code}].port_number: must be {catalogue.port_number} or an extension of it"
        carriers = {partner.code for partner in catalogue.partners if partner.kind == "carrier"}
        yield from _link(link, carriers, set(catalogue.texts.sms))


def _link(link: Link, carriers: set[str], texts: set[str]) -> Iterator[str]:
    place = f"links[{link.code}]"
    if urlsplit(link.url).scheme not in SCHEMES[link.driver]:
        yield f"{place}.url: a {link.driver} link has an address with {SCHEMES[link.driver][-1]}://"
    for code in sorted(set(link.carriers) - carriers):
        yield f"{place}.carriers: there is no carrier {code}; remove it or correct the spelling"
    for name in sorted({approved.text for approved in link.templates} - texts):
        yield f"{place}.templates: there is no text {name} in [texts.sms]; remove it or correct the spelling"
    if (link.driver == "aliyun") != bool(link.templates):
        yield f"{place}.templates: an aliyun link has at least one, and no other link has any"
    yield from _account(place, link)


def _account(place: str, link: Link) -> Iterator[str]:
    if link.driver == "cmpp" and len(link.account) != SP_ID_LENGTH:
        yield f"{place}.account: must be the SP_Id of {SP_ID_LENGTH} characters"
    if link.driver == "aliyun" and not link.account:
        yield f"{place}.account: must be the AccessKey ID"
    if link.driver == "smpp" and not 1 <= len(link.account) <= SYSTEM_ID_LENGTH:
        yield f"{place}.account: must be the system_id, of {SYSTEM_ID_LENGTH} characters at most"
    if link.driver == "smpp" and len(link.service_id) > SERVICE_TYPE_LENGTH:
        yield f"{place}.service_id: is the service_type, of {SERVICE_TYPE_LENGTH} characters at most"
    if len(link.port_number) + link.extension_digits > LONGEST_SENDER:
        yield f"{place}.extension_digits: with the port number more than {LONGEST_SENDER} digits; write fewer"
