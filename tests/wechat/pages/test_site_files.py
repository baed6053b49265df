"""Files that browsers, search engines and messengers ask for by themselves are there."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from wechat.pages.site_files import ICONS


@pytest.mark.parametrize("name", ICONS)
def test_icons_are_where_they_are_looked_for(browser: FlaskClient, name: str) -> None:
    answer = browser.get(f"/{name}")
    assert answer.status_code == 200
    assert answer.content_type.startswith("image/")
    assert "max-age" in answer.headers["Cache-Control"]
    assert len(answer.data) < 8000


def test_robots_find_the_pages_and_nobodys_own(browser: FlaskClient) -> None:
    answer = browser.get("/robots.txt")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert "Disallow: /inquiries/" in answer.text
    assert "Allow: /\n" in answer.text


@pytest.mark.parametrize("path", ["/", "/internet-accounts", "/guides", "/help", "/privacy"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_says_what_it_is_when_it_is_found_or_shared(
    browser: FlaskClient,
    path: str,
    language: str,
) -> None:
    browser.set_cookie("lang", language)
    text = browser.get(path).text
    description = re.findall(r'<meta name="description" content="([^"]+)">', text)[0]
    assert 40 <= len(description) <= 200
    title = re.findall(r'<meta property="og:title" content="([^"]+)">', text)[0]
    assert f"<title>{title}</title>" in text
    image = re.findall(r'<meta property="og:image" content="https?://[^/"]+([^"]+)">', text)[0]
    assert browser.get(image).content_type == "image/png"
    assert text.count('<meta name="theme-color"') == 2
