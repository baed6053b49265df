"""A reader's preferences, letter size and language, kept in two cookies for a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import redirect
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request, Response

from wechat.pages.texts import LANGUAGES

CHOICES: Mapping[str, tuple[str, ...]] = {"size": ("standard", "elder"), "lang": LANGUAGES}
YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Display:
    """The reader's choice, or the default: standard letters, Chinese."""

    size: str
    lang: str

    @property
    def elder(self) -> bool:
        """Large letters were chosen."""
        return self.size == "elder"


def read_display(cookies: Mapping[str, str]) -> Display:
    """The choice kept in the cookies; whatever else stands there counts as no choice."""
    kept = {name: cookies.get(_cookie(name, secure=True), cookies.get(_cookie(name), "")) for name in CHOICES}
    return Display(**{name: kept[name] if kept[name] in CHOICES[name] else CHOICES[name][0] for name in CHOICES})


def chosen(query: Mapping[str, str]) -> dict[str, str]:
    """The valid choices in an address's query: `?size=elder&lang=en`."""
    return {name: query[name] for name in CHOICES if query.get(name) in CHOICES[name]}


def asks_display(query: Mapping[str, str]) -> bool:
    """The address carries a choice, valid or not, and is to be cleaned of it."""
    return any(name in query for name in CHOICES)


def clean_address(path: str, query: MultiDict[str, str]) -> str:
    """The address without the choice; a ticket and the like stay."""
    kept = [(name, value) for name, value in query.items(multi=True) if name not in CHOICES]
    # One slash only: "//elsewhere" would lead to another host.
    return "/" + path.lstrip("/\\") + (f"?{urlencode(kept)}" if kept else "")


def choose_display(request: Request, *, secure: bool) -> Response:
    """Keep the choice of `?size=` and `?lang=`, and go to the clean address."""
    response = redirect(clean_address(request.path, request.args), 303)
    keep_display(response, chosen(request.args), secure=secure)
    return response


def keep_display(response: Response, choice: Mapping[str, str], *, secure: bool) -> None:
    """Set the cookies for a year."""
    for name, value in choice.items():
        cookie = _cookie(name, secure=secure)
        response.set_cookie(cookie, value, max_age=YEAR_S, httponly=True, secure=secure, samesite="Lax")


def _cookie(name: str, *, secure: bool = False) -> str:
    return f"__Host-onecert-{name}" if secure else f"onecert-{name}"
