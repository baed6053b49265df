"""`/api/v1/openapi.json`, and `/api/v1/docs`: the same in Swagger UI, in Chinese and English, from files of our own.

The page's table of problems needs no script: a problem's `type` leads to its row.
"""

from __future__ import annotations

import json

from flask import Blueprint, Response, redirect, render_template, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response as AnyResponse

from config.ground import Ground
from config.net.assets import load_assets
from miniprogram_api.contract.openapi import build_document
from miniprogram_api.contract.operations import API_ROOT
from miniprogram_api.contract.problems import DOCS, PROBLEMS
from miniprogram_api.contract.translation import LANGUAGES, translation_to

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""`data:` for the small pictures in Swagger UI's own style sheet."""


def add_docs(blueprint: Blueprint, ground: Ground) -> None:
    """Add the document, the page, its files, and the addresses that lead there."""
    documents = {language: _document(ground, language) for language in LANGUAGES}
    assets = load_assets("miniprogram_api.contract", f"{API_ROOT}/assets")

    def openapi_json() -> Response:
        return Response(documents[_language("en")], content_type="application/json")

    def docs_page() -> Response:
        language = _language(request.accept_languages.best_match(LANGUAGES) or "zh-CN")
        words = {"translate": translation_to(language), "prose": prose, "asset": assets.url, "language": language}
        page = render_template("api_docs.html", problems=PROBLEMS, tries=_may_try(ground), **words)
        return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY})

    def asset(digest: str, name: str) -> Response:
        return assets.serve(digest, name, request)

    def lead_to_docs() -> AnyResponse:
        return redirect(DOCS, 303)

    blueprint.add_url_rule("/openapi.json", "openapi_json", openapi_json, methods=["GET"])
    blueprint.add_url_rule("/docs", "docs_page", docs_page, methods=["GET"])
    blueprint.add_url_rule("/assets/<digest>/<path:name>", "asset", asset, methods=["GET"])
    for place, address in enumerate(("", "/", "/docs/")):
        blueprint.add_url_rule(address, f"lead_to_docs_{place}", lead_to_docs, methods=["GET"], strict_slashes=True)


def prose(text: str) -> Markup:
    """A sentence of the document as HTML: what stands between backticks is code."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in parts)


def _document(ground: Ground, language: str) -> str:
    document = build_document(ground.settings.public_url, translation_to(language))
    return json.dumps(document, ensure_ascii=False, indent=1)


def _language(otherwise: str) -> str:
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else otherwise


def _may_try(ground: Ground) -> bool:
    """Calls can be tried out where a sandbox plays the world; elsewhere they would be a citizen's own inquiries."""
    sandbox = f"http://{ground.settings.sandbox_bind}/"
    return all(partner.base_url.startswith(sandbox) for partner in ground.catalogues.current().partners)
