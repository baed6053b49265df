"""A gateway's side of a citizen's text, for `onecert message play`: signed and delivered as the HTTP link says."""

from __future__ import annotations

from secrets import token_hex

from config.catalogue.links import Link
from config.crypto.http_signatures import sign
from config.errors import ConfigError
from config.ground import Ground
from sms_port.errors import LinkUnknown, PlayFailed
from sms_port.links.http.bodies import build_body

OK = 200


def play_text(ground: Ground, url: str, phone: str, text: str) -> None:
    """Deliver a text of `phone` to the instance at `url` over the catalogue's first HTTP link.

    Raises LinkUnknown when there is no such link, and PlayFailed when the instance does not take the text.
    """
    link = _http_link(ground)
    item = {"id": token_hex(8), "from": phone, "to": link.port_number, "text": text}
    where, body = f"{url.rstrip('/')}/sms/{link.code}/inbound", build_body({"messages": [item]})
    headers = sign(
        "POST",
        where,
        body,
        content_type="application/json",
        key_id=link.key_id,
        secret=ground.secrets.get(f"{link.code}.key"),
        algorithm=link.algorithm,
        now=ground.clock.now(),
    )
    try:
        answer = ground.http.post(where, body, headers)
    except ConfigError as error:
        raise PlayFailed(f"the instance did not answer: {error.code}") from None
    if answer.status != OK:
        raise PlayFailed(f"the instance answered {answer.status}")


def _http_link(ground: Ground) -> Link:
    links = [link for link in ground.catalogues.current().links if link.driver == "http"]
    if not links:
        raise LinkUnknown("the catalogue has no HTTP link to play a text over")
    return next((link for link in links if link.enabled), links[0])
