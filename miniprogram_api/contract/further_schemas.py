"""The shapes of calls for others in the JSON contract: signed entrances, and a relative's helper."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from miniprogram_api.contract.schemas import EXAMPLE_REFERENCE, REFERENCE, Answered, PhoneText, Received, Typed

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


HELP_REQUEST: TypeAdapter[HelpRequest] = TypeAdapter(HelpRequest)
VOICE_REQUEST: TypeAdapter[VoiceRequest] = TypeAdapter(VoiceRequest)
COUNTER_REQUEST: TypeAdapter[CounterRequest] = TypeAdapter(CounterRequest)
