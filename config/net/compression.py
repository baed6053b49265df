"""Compressed answers: pages, JSON and text as brotli, zstd or gzip, whatever the client takes (Flask-Compress).

Not where a stranger could choose a part of what is compressed beside a secret, and learn the secret from the length
(BREACH): an answer to a body, or to a query that came with a cookie or a token, leaves as it is.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Request, Response, request
from flask_compress import Compress

MIN_SIZE: Final = 600
"""Bytes below which an answer fits one packet anyway."""

TYPES: Final = ["text/html", "text/plain", "text/csv", "application/json", "application/problem+json"]
"""Files of pages are compressed already when they are served."""


def compress_answers(app: Flask) -> None:
    """Compress what `app` answers from now on."""
    settings = {"MIMETYPES": TYPES, "MIN_SIZE": MIN_SIZE, "ALGORITHM": ["br", "zstd", "gzip"], "REGISTER": False}
    app.config.update({f"COMPRESS_{name}": value for name, value in settings.items()})
    compress = Compress(app)

    @app.after_request
    def shrink(answer: Response) -> Response:
        return compress.after_request(answer) if _is_safe(request) else answer


def _is_safe(asked: Request) -> bool:
    """Return whether only the asker can have chosen any of the answer, or it holds no secret of the asker."""
    secret = bool(asked.cookies) or "Authorization" in asked.headers
    return asked.method in ("GET", "HEAD") and not (asked.query_string and secret)
