"""`/wechat/<account>`: WeChat's check of our address and the JS-SDK's configuration; pushes are handled by `wsgi.py`.

Faults have an empty body, as there.
"""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from config.errors import OneCertError
from config.ground import Ground
from config.net.response_headers import headers_for
from config.telemetry.log import get_logger
from wechat.platform.client import Platform
from wechat.platform.script_config import ScriptConfigs
from wechat.webhook.reception import Reception
from wechat.webhook.wsgi import PushMiddleware, read_stamp

log = get_logger(__name__)


def install(app: Flask, ground: Ground) -> None:
    """Add the webhook to the application: pushes go to a WSGI middleware in front of it, all else to a blueprint.

    The middleware stands in front of every layer that the application has by then.
    """
    reception = Reception(ground)
    app.register_blueprint(make_blueprint(ground, reception))
    headers = headers_for(ground.settings.public_url)
    app.wsgi_app = PushMiddleware(app.wsgi_app, reception, headers)  # type: ignore[method-assign]


def make_blueprint(ground: Ground, reception: Reception) -> Blueprint:
    """Make the blueprint of the URL check and the script configuration."""
    blueprint = Blueprint("wechat", __name__, url_prefix="/wechat")
    scripts = ScriptConfigs(ground, Platform(ground))
    blueprint.register_error_handler(OneCertError, _refuse)
    blueprint.register_error_handler(HTTPException, _abandon)

    @blueprint.route("/<account>", methods=["GET", "POST"])  # POST is named for `Allow`: the middleware takes it
    def check(account: str) -> Response:
        stamp = read_stamp(request.query_string.decode("latin-1"))
        reply = reception.confirm_url(account, stamp, request.args.get("echostr", ""))
        return _no_store(Response(reply.body, content_type=f"{reply.media}; charset=utf-8"))

    @blueprint.get("/<account>/script-config")
    def script_config(account: str) -> Response:
        return _no_store(jsonify(asdict(scripts.build(account, request.args.get("url", "")))))

    return blueprint


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(fault: OneCertError) -> Response:
    log.warning("wechat_call_refused", status=fault.status, code=fault.code, detail=fault.detail)
    return Response(status=fault.status)


def _abandon(fault: HTTPException) -> Response:
    return Response(status=fault.code or 400)
