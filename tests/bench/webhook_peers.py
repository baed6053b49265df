"""The webhook as the peers' own guides write it, on our server: `python -m tests.bench.webhook_peers NAME MODE BIND`.

Bare: no limits, no memory of answers, no links with tickets, one account. Each answers a menu tap with the same text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from flask import Flask, Response, abort, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.utils import check_signature
from werobot import WeRoBot
from werobot.contrib.flask import make_view

from config.processes.serving import serve

TOKEN = "a-token-of-the-benchmark"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APP_ID = "wx00000000000000a1"
TEXT = "您想查哪一项？\n" + "".join(
    f'<a href="https://one.example/{page}">{page}</a>\n' for page in ("a" * 250, "b" * 250)
)


def wechatpy_app(mode: str) -> Flask:
    """As in wechatpy's guide for Flask."""
    app, crypto = Flask("wechatpy"), WeChatCrypto(TOKEN, AES_KEY, APP_ID)

    @app.post("/wechat")
    def push() -> Response:
        stamp = request.args
        try:
            check_signature(TOKEN, stamp.get("signature"), stamp.get("timestamp"), stamp.get("nonce"))
            body = request.data
            if mode == "safe":
                body = crypto.decrypt_message(body, stamp["msg_signature"], stamp["timestamp"], stamp["nonce"])
        except InvalidSignatureException:
            abort(403)
        answer = create_reply(TEXT, parse_message(body)).render()
        if mode == "safe":
            answer = crypto.encrypt_message(answer, stamp["nonce"], stamp["timestamp"])
        return Response(answer, content_type="text/xml")

    return app


def werobot_app(mode: str) -> Flask:
    """As in WeRoBot's guide for Flask; without its sessions, which would write a file at each push."""
    keys = {"app_id": APP_ID, "encoding_aes_key": AES_KEY} if mode == "safe" else {}
    robot = WeRoBot(token=TOKEN, enable_session=False, **keys)
    robot.key_click("ONECERT")(lambda message: TEXT)
    app = Flask("werobot")
    app.add_url_rule("/wechat", endpoint="werobot", view_func=make_view(robot), methods=["GET", "POST"])
    return app


PEERS: dict[str, Callable[[str], Flask]] = {"wechatpy": wechatpy_app, "werobot": werobot_app}

if __name__ == "__main__":
    name, mode, bind = sys.argv[1:]
    serve(lambda: PEERS[name](mode), bind)
