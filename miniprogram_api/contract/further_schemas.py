"""The shapes of calls for others in the JSON contract: signed entrances, a relative's helper, who is shown a reply."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, Tag, TypeAdapter

from miniprogram_api.contract.schemas import EXAMPLE_REFERENCE, REFERENCE, Answered, PhoneText, Received, Slug, Typed

Staff = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,24}$")]


class VoiceRequest(Received):
    """A caller's inquiry about internet accounts, from the keys that were pressed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"phone": "13800138000", "id_tail": "12345*", "consent": True}]}
    )
    phone: PhoneText = Field(repr=False, description="The caller's number, as the network shows it.")
    id_tail: Typed = Field(repr=False, description="The six keys: last six characters of the ID, X pressed as `*`.")
    consent: bool = Field(default=False, description="Must be `true`: the caller agreed to the privacy notice.")


class CounterRequest(Received):
    """A citizen's inquiry about internet accounts at a shop."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "phone": "13800138000",
                    "id_tail": "12345X",
                    "shop": "BJ-0107",
                    "clerk": "20418",
                    "consent": True,
                }
            ]
        }
    )
    phone: PhoneText = Field(repr=False, description="The citizen's number.")
    id_tail: Typed = Field(repr=False, description="Last six characters of the ID, as the shop's machine read them.")
    shop: Staff = Field(description="The shop's number; goes into the audit with the reference.")
    clerk: Staff = Field(description="The clerk's number; goes into the audit with the reference.")
    consent: bool = Field(default=False, description="Must be `true`: the citizen agreed to the privacy notice.")


class HelpRequest(Received):
    """An offer to a relative: he is asked by SMS, and the answer goes to him alone."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"helper": "13912345678", "code": "482913", "relative": "13800138000"}]}
    )
    helper: PhoneText = Field(repr=False, description="One's own number, that the code was sent to, or its ticket.")
    code: Typed = Field(repr=False, description="The six digits of the message, for the service `help`.")
    relative: Typed = Field(repr=False, description="The relative's mobile number; no ID.")


class HelpAnswer(Answered):
    """The offer is stored. The answer is the same whether the relative gets it, agrees, refuses, or does not exist."""

    reference: str = Field(pattern=REFERENCE, examples=[EXAMPLE_REFERENCE])


class ShownTextRequest(Received):
    """A reply that somebody shows: the whole SMS."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "【一证通查】您11月22日查询的手机号138****8000共关联2个账号：微信2个。"
                    "仅供腾讯客服核实，核验码7KQ2-M9XD。"
                }
            ]
        }
    )
    text: Annotated[str, StringConstraints(max_length=1000)] = Field(
        repr=False, description="The whole SMS; marks, blanks and width make no difference."
    )


class ShownCountsRequest(Received):
    """A reply that somebody shows: its day, number, audience, counts and code."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "date": "2026-11-22",
                    "phone": "138****8000",
                    "audience": "tencent",
                    "counts": {"weixin": 2},
                    "code": "7KQ2-M9XD",
                }
            ]
        }
    )
    date: Typed = Field(description="The day in the SMS, with its year.", json_schema_extra={"format": "date"})
    phone: Typed = Field(repr=False, description="The number as the SMS shows it, four digits hidden.")
    audience: Slug = Field(description="A partner's code, or `police`.")
    counts: Annotated[dict[Slug, Annotated[int, Field(ge=0, le=9_999)]], Field(max_length=200)] = Field(
        repr=False, description="Accounts by application; those of silent companies are left out."
    )
    code: Typed = Field(repr=False, description="The eight signs, with or without the dash.")


def _shown_kind(body: Any) -> str:
    return "text" if isinstance(body, dict) and "text" in body else "counts"


VerificationRequest = Annotated[
    Annotated[ShownTextRequest, Tag("text")] | Annotated[ShownCountsRequest, Tag("counts")],
    Discriminator(_shown_kind),
]


class VerificationAnswer(Answered):
    """The verdict, and nothing else. A match shows that the text is true, not who is showing it."""

    verdict: Literal["match", "no_match", "expired"]


VERIFICATION_REQUEST: TypeAdapter[ShownTextRequest | ShownCountsRequest] = TypeAdapter(VerificationRequest)
HELP_REQUEST: TypeAdapter[HelpRequest] = TypeAdapter(HelpRequest)
VOICE_REQUEST: TypeAdapter[VoiceRequest] = TypeAdapter(VoiceRequest)
COUNTER_REQUEST: TypeAdapter[CounterRequest] = TypeAdapter(CounterRequest)
