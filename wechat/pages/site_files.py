"""The files that browsers and search engines ask for by themselves: icons at their usual addresses, and robots.txt."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from config.net.assets import Assets

ICONS: Final = ("favicon.ico", "apple-touch-icon.png")
A_DAY: Final = "public, max-age=86400"
ROBOTS: Final = "\n".join(
    ["User-agent: *"]
    + [f"Disallow: {path}" for path in ("/api/", "/inquiries/", "/wechat/", "/partners/", "/sms/", "/health/")]
    + ["Allow: /", ""]
)
"""What everybody sees alike may be found by a search; nobody's own pages, and no machine's addresses."""


def add_site_files(blueprint: Blueprint, assets: Assets) -> None:
    """Add the icons and robots.txt."""
    for name in ICONS:
        blueprint.add_url_rule(f"/{name}", name.replace(".", "-"), lambda name=name: _kept(assets, name))
    blueprint.add_url_rule("/robots.txt", "robots-txt", lambda: _answer(ROBOTS.encode(), "text/plain; charset=utf-8"))


def _kept(assets: Assets, name: str) -> Response:
    asset = assets.by_name[name]
    return _answer(asset.plain, asset.content_type)


def _answer(content: bytes, content_type: str) -> Response:
    return Response(content, content_type=content_type, headers={"Cache-Control": A_DAY})
