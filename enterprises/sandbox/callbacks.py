"""Callbacks of the sandbox's partners: sent later, from a thread of their own, signed and sealed as agreed."""

import threading
from typing import Any

from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign
from config.errors import OneCertError
from config.ground import Ground
from config.strict_json import write_object
from config.telemetry.log import get_logger
from enterprises.content import build_content

_log = get_logger(__name__)


def call_back_later(ground: Ground, url: str, partner: Partner, answer: dict[str, Any], seconds: float) -> None:
    """POST `answer` to `url` after `seconds`. A failure is logged, not retried: the question is asked again."""
    timer = threading.Timer(seconds, _call_back, (ground, url, partner, answer))
    timer.daemon = True
    timer.start()


def _call_back(ground: Ground, url: str, partner: Partner, answer: dict[str, Any]) -> None:
    try:
        body, headers = signed_answer(ground, url, partner, answer)
        status = ground.http.post(url, body, headers, total=10.0).status
        (_log.info if status == 200 else _log.warning)("sandbox_called_back", partner=partner.code, status=status)
    except OneCertError as error:
        _log.warning("sandbox_callback_failed", partner=partner.code, reason=error.detail)
    finally:
        ground.http.close()


def signed_answer(ground: Ground, url: str, partner: Partner, answer: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return (body, headers) of a callback to `url`, as this partner would send it."""
    secret = ground.secrets.get(f"{partner.code}.key")
    body, content_type = build_content(partner.seal, secret, partner.key_id, write_object(answer))
    headers = sign(
        "POST",
        url,
        body,
        content_type=content_type,
        key_id=partner.key_id,
        secret=secret,
        algorithm=partner.algorithm,
        now=ground.clock.now(),
    )
    return body, headers
