"""The layers between the web server and the application, from the inside out, in one place."""

from __future__ import annotations

from flask import Flask

from config.ground import Ground
from config.net.compression import compress_answers
from config.net.response_headers import add_headers, headers_for
from config.processes.admission import Admission
from config.processes.proxies import behind_proxies
from config.processes.request_metrics import count_requests
from config.processes.serving import buffer_responses


def wrap(app: Flask, ground: Ground) -> None:
    """Compress answers, send each whole with its headers, believe the proxies in front."""
    compress_answers(app)
    headers = headers_for(ground.settings.public_url)
    layers = add_headers(buffer_responses(app.wsgi_app), headers)
    app.wsgi_app = behind_proxies(layers, ground)  # type: ignore[method-assign, assignment]


def admit(app: Flask, ground: Ground) -> None:
    """Admit only sound requests, whose body is there, and count every answer; the outermost layers."""
    headers = headers_for(ground.settings.public_url)
    admitted = Admission(app.wsgi_app, tuple(headers.items()))
    app.wsgi_app = count_requests(app, admitted)  # type: ignore[method-assign, assignment]
