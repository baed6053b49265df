"""A draft: a form that a page sent, kept by the browser, sealed, until the form is shown again.

So every press without JavaScript is answered with a redirect (Back never asks whether to send again), and a reader may
change the letters or look at the privacy notice in the middle of a form. It is shown once, and for ten minutes at most.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from flask import Request
from werkzeug.wrappers import Response

from config.errors import SealBroken
from config.ground import Ground
from wechat.pages.form_actions import Remarks
from wechat.pages.forms import CodeNote, Form

KEPT_S: Final = 600
LONGEST_TYPED: Final = 80
"""Characters of a field that are kept: a cookie holds about 4,000 bytes."""
_PURPOSE: Final = "page draft"
_COOKIE: Final = "onecert-draft"


@dataclass(frozen=True)
class Draft:
    """A form, what is remarked on it, and what else its page must know of it."""

    form: Form
    remarks: Remarks = field(default_factory=Remarks)
    more: Mapping[str, Any] = field(default_factory=dict)


class Drafts:
    """Reads and keeps the drafts of one browser, one a page (its path)."""

    def __init__(self, ground: Ground, *, secure: bool) -> None:
        self._ground = ground
        self._secure = secure
        self._cookie = f"__Secure-{_COOKIE}" if secure else _COOKIE

    def keep(self, response: Response, path: str, draft: Draft) -> None:
        """Have the browser bring the draft to its next look at the page."""
        form = draft.form
        kept = {
            "at": self._ground.clock.now(),
            "service": form.service,
            "key": form.idempotency_key[:LONGEST_TYPED],
            "ticks": [form.consent, form.consent_id, form.audience],
            "sent": form.sent.text,
            "typed": {name: form.typed(name)[:LONGEST_TYPED] for name in form.fields},
            "remarks": asdict(draft.remarks),
            "more": dict(draft.more),
        }
        payload = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
        self._set(response, path, self._ground.keys.seal_token(_PURPOSE + path, payload), KEPT_S)

    def take(self, request: Request, path: str) -> Draft | None:
        """The draft for this page; None without one, or with one that is too old or not ours."""
        try:
            payload = self._ground.keys.open_token(_PURPOSE + path, request.cookies.get(self._cookie, ""))
        except SealBroken:
            return None
        kept: dict[str, Any] = json.loads(payload)
        if self._ground.clock.now() - kept["at"] >= KEPT_S * 1000:
            return None
        consent, consent_id, audience = kept["ticks"]
        typed = kept["typed"] | {"consent": consent, "consent_id": consent_id, "audience": audience}
        form = Form(kept["service"], session="", idempotency_key=kept["key"], **typed)
        return Draft(replace(form, sent=CodeNote.parse(kept["sent"])), Remarks(**kept["remarks"]), kept["more"])

    def drop(self, response: Response, path: str) -> None:
        """Have the browser forget the draft."""
        self._set(response, path, "", 0)

    def _set(self, response: Response, path: str, text: str, seconds: int) -> None:
        response.set_cookie(
            self._cookie, text, max_age=seconds, path=path, httponly=True, secure=self._secure, samesite="Lax"
        )
