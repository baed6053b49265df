"""The webhook: `/wechat/<account>`, where WeChat checks our address and sends its pushes.

Every fault has an empty body: nothing of a push is told to whoever sent it, and WeChat reads no bodies of faults.
"""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from config.errors import OneCertError
from config.ground import Ground
from config.log import get_logger
from wechat.platform import Platform
from wechat.push import Stamp
from wechat.reception import Reception, Reply
from wechat.script_config import ScriptConfigs

log = get_logger(__name__)


def make_blueprint(ground: Ground) -> Blueprint:
    """The webhook of every official account in the catalogue, and the JS-SDK configuration of its pages."""
    blueprint = Blueprint("wechat", __name__, url_prefix="/wechat")
    reception, scripts = Reception(ground), ScriptConfigs(ground, Platform(ground))
    blueprint.register_error_handler(OneCertError, _refuse)
    blueprint.register_error_handler(HTTPException, _abandon)

    @blueprint.get("/<account>")
    def check(account: str) -> Response:
        return _respond(reception.confirm_url(account, _stamp(), request.args.get("echostr", "")))

    @blueprint.post("/<account>")
    def push(account: str) -> Response:
        return _respond(reception.receive(account, _stamp(), _read))

    @blueprint.get("/<account>/script-config")
    def script_config(account: str) -> Response:
        return _no_store(jsonify(asdict(scripts.build(account, request.args.get("url", "")))))

    return blueprint


def _stamp() -> Stamp:
    names = ("timestamp", "nonce", "signature", "encrypt_type", "msg_signature")
    return Stamp(**{name: request.args.get(name, "") for name in names})


def _read(most: int) -> bytes:
    """Read the body, at most so many bytes; the cap is the push's own, not the application's."""
    request.max_content_length = None
    body = b""
    while len(body) < most and (piece := request.stream.read(most - len(body))):
        body += piece
    return body


def _respond(reply: Reply) -> Response:
    return _no_store(Response(reply.body, content_type=f"{reply.media}; charset=utf-8"))


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(fault: OneCertError) -> Response:
    log.warning("wechat_call_refused", status=fault.status, code=fault.code, detail=fault.detail)
    return Response(status=fault.status)


def _abandon(fault: HTTPException) -> Response:
    return Response(status=fault.code or 400)
