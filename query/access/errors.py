"""Refusals of sessions, tickets and budgets. OneCertError > AccessError > SessionInvalid, LimitReached, ..."""

from __future__ import annotations

from collections.abc import Mapping

from config.errors import RETRY_SOON_S, OneCertError


class AccessError(OneCertError):
    """Base of this folder."""


class SessionInvalid(AccessError):
    """No token, not ours, or over. One answer for all, so that a forger learns nothing."""

    code = "session_invalid"
    status = 401

    def __init__(self) -> None:
        super().__init__("Open a session first: it is missing, not ours, or over.")


class EntranceUnknown(AccessError):
    """The catalogue has no such entrance, or it is not opened with what was sent."""

    code = "entrance_unknown"
    status = 422

    def __init__(self) -> None:
        super().__init__("There is no such entrance, or it is not opened this way.", field="entrance")


class EntranceClosed(AccessError):
    """The catalogue has this entrance switched off."""

    code = "unavailable"
    status = 503

    def __init__(self) -> None:
        super().__init__("This entrance is closed at the moment.", retry_after=300)


class PhoneTicketInvalid(AccessError):
    """Not ours, another session's, or older than 30 minutes."""

    code = "phone_ticket_invalid"
    status = 422

    def __init__(self) -> None:
        super().__init__("The phone's ticket is over or another session's; let the citizen type the number.")


class LimitReached(AccessError):
    """A budget is used up. Extras: `retry_after` seconds, `limit` the budget's name."""

    code = "limit_reached"
    status = 429

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__("Too many requests; try again later.", limit=limit, retry_after=retry_after)


class HumanCheckRequired(AccessError):
    """A session without an openid must solve `challenge` first (query/access/human_check.py)."""

    code = "human_check_required"
    status = 403

    def __init__(self, challenge: Mapping[str, str | int]) -> None:
        super().__init__("Solve the challenge and ask again with its answer in `human_check`.")
        self.extra["challenge"] = dict(challenge)


class LimiterUnavailable(AccessError):
    """The counters cannot be read, so nothing is sent and nothing opened."""

    code = "unavailable"
    status = 503

    def __init__(self) -> None:
        super().__init__("The service is not available; try again soon.", retry_after=RETRY_SOON_S)


class EndingsForgotten(LimiterUnavailable):
    """Redis was emptied and does not know which sessions were ended (query/access/endings.py)."""


class PlatformUnavailable(AccessError):
    """The platform does not answer, asks us to wait, or refuses ourselves; nobody but us can mend that.

    `spent` is False when the platform certainly took no code for it: the same code may be tried again.
    """

    code = "unavailable"
    status = 503

    def __init__(self, reason: str, retry_after: int = 5, *, spent: bool = True) -> None:
        super().__init__(f"the platform failed: {reason}", retry_after=retry_after)
        self.spent = spent
