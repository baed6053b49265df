"""The shapes of objections and watches in the JSON contract."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from miniprogram_api.contract.members import may_be_absent, moment
from miniprogram_api.contract.schemas import (
    EXAMPLE_REFERENCE,
    REFERENCE,
    Answered,
    PhoneText,
    Received,
    Slug,
    Typed,
)

WishWord = Literal["unbind", "dispute"]
MOST_TICKS = 100


class ObjectionRequest(Received):
    """An objection: a citizen's request to companies after a count."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "wish": "dispute",
                    "applications": ["weixin"],
                    "phone": "13800138000",
                    "id_tail": "12345X",
                    "code": "482913",
                    "consent": True,
                }
            ]
        }
    )
    wish: WishWord = Field(description="`unbind`: a former holder's accounts. `dispute`: not opened by the citizen.")
    applications: Annotated[list[Slug], Field(max_length=MOST_TICKS)] = Field(
        description="Codes of applications; `requests` of their partner lists the wish."
    )
    phone: PhoneText = Field(
        repr=False, description="The number that the code was sent to, or the ticket that stood for it."
    )
    id_tail: Typed = Field(repr=False, description="Last six characters of the ID number; the last may be X.")
    code: Typed = Field(repr=False, description="The six digits of the message.")
    consent: bool = Field(default=False, description="Must be `true`: the citizen agrees to the privacy notice.")


class WatchRequest(Received):
    """The closed inquiry whose number is to be watched."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reference": EXAMPLE_REFERENCE}]})
    reference: Annotated[str, StringConstraints(max_length=64)] = Field(description="Of one's own closed inquiry.")


OBJECTION_REQUEST: TypeAdapter[ObjectionRequest] = TypeAdapter(ObjectionRequest)
WATCH_REQUEST: TypeAdapter[WatchRequest] = TypeAdapter(WatchRequest)


class ObjectionAnswer(Answered):
    """Accepted: it is stored, and will be ended by one SMS."""

    reference: str = Field(pattern=REFERENCE, examples=[EXAMPLE_REFERENCE])
    phone: str = Field(examples=["138****8000"])
    wish: WishWord
    due: str = Field(
        json_schema_extra={"format": "date"},
        examples=["2026-12-07"],
        description="The last day for the companies' answers, in Shanghai.",
    )


class ObjectionProgressAnswer(Answered):
    """The progress of one's own objection. Never tells a finding: every ending looks the same."""

    reference: str = Field(pattern=REFERENCE, examples=[EXAMPLE_REFERENCE])
    phone: str = Field(examples=["138****8000"])
    wish: WishWord
    applications: list[str] = Field(examples=[["weixin"]])
    status: Literal["working", "closed"]
    accepted_at: str = moment("2026-11-23T02:20:00Z", "When it was accepted.")
    due: str = Field(
        json_schema_extra={"format": "date"},
        examples=["2026-12-07"],
        description="The last day for the companies' answers, in Shanghai.",
    )
    closed_at: str | SkipJsonSchema[None] = may_be_absent("The day; only when `closed`.", format="date")
