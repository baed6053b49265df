"""A call of the contract: the shape of its entry in the list of calls (operations.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

API_ROOT = "/api/v1"
TAGS = {
    "Sessions": "Open a session first: its token goes with every other call.",
    "What may be asked": "Services and partners; no session needed.",
    "Inquiries": "A code by SMS, then the inquiry, then its progress.",
    "After the count": "Ask companies to unbind or to look into accounts; have new accounts told.",
    "For others": "Offer a relative to check; verify a reply that somebody shows.",
    "Carriers": "A carrier's voice system and shops: each call is signed, and needs neither session nor code.",
    "Mini programs": "What only a mini program of WeChat or Alipay can send.",
}
"""The groups of calls, in the order in which a reader meets them."""
SENT_BODY = ("body_invalid", "body_too_large")


@dataclass(frozen=True)
class Operation:
    """One call. `name` is the view's name too; `problems` are the codes it may answer with."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    status: int
    answer: type[BaseModel] | None
    problems: tuple[str, ...]
    body: TypeAdapter[Any] | None = None
    session: bool = False
    idempotent: bool = False
    signed: bool = False
    tag: str = "Inquiries"

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")
