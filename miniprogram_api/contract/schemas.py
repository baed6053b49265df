"""The shapes of the JSON contract: what is accepted, what is answered. The OpenAPI document is made from these models.

What comes in is strict: no unknown member, no conversion between types. What a member means is judged by query.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from config.catalogue.fields import RequestKind
from miniprogram_api.contract.members import may_be_absent, moment

ServiceCode = Literal["internet-accounts", "phone-cards"]
Typed = Annotated[str, StringConstraints(max_length=64)]
PhoneText = Annotated[str, StringConstraints(max_length=512)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]

REFERENCE = "^[1-9][0-9]{11}$"
EXAMPLE_REFERENCE = "482913057716"


class Received(BaseModel):
    """A body that a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Answered(BaseModel):
    """A body that the server answers with."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WebEntry(Received):
    """The web entrance asks for nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entrance": "web"}]})
    entrance: Slug = Field(description="Code of an entrance of kind `web`.")


class TicketEntry(Received):
    """An official account: the ticket of the link in its answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entrance": "gxwbwx", "ticket": "AbCdEf..."}]})
    entrance: Slug = Field(description="Code of an official account.")
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = Field(
        repr=False, description="The `ticket` of the link, good for 30 minutes."
    )


class AppletEntry(Received):
    """A mini program: the code that its platform gave to the client."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entrance": "wechat-applet", "code": "0a1B2c3D"}]})
    entrance: Slug = Field(description="Code of a mini program.")
    code: Annotated[str, StringConstraints(max_length=512)] = Field(
        repr=False, description="The platform's one-time login code (`wx.login`, `my.getAuthCode`)."
    )


def _entry_kind(body: Any) -> str:
    if isinstance(body, dict) and ("ticket" in body or "code" in body):
        return "ticket" if "ticket" in body else "code"
    return "web"


SessionRequest = Annotated[
    Annotated[WebEntry, Tag("web")] | Annotated[TicketEntry, Tag("ticket")] | Annotated[AppletEntry, Tag("code")],
    Discriminator(_entry_kind),
]


class CodeRequest(Received):
    """Which service the code is for, and where to send it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"service": "internet-accounts", "phone": "13800138000"}]}
    )
    service: Literal[ServiceCode, "objection", "help"]
    phone: PhoneText = Field(
        repr=False,
        description="Mainland mobile number (spaces, dashes, +86 and full-width digits are mended), or the `ticket` of "
        "`POST /phone-numbers`.",
    )
    human_check: Annotated[str, StringConstraints(max_length=2048)] | SkipJsonSchema[None] = Field(
        default=None,
        repr=False,
        description="The solved challenge of `human_check_required`: base64 of the JSON object with `algorithm`, "
        "`challenge`, `number`, `salt`, `signature` (ALTCHA's payload).",
    )


class WeChatCredential(Received):
    """The code of WeChat's phone button (`getPhoneNumber`); good once, for 5 minutes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937"}]})
    code: Annotated[str, StringConstraints(max_length=512)] = Field(repr=False)


class AlipayCredential(Received):
    """The result of `my.getPhoneNumber`, unchanged: sealed and signed by Alipay. Good within 5 minutes of the login."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"response": "BASE64...", "sign": "BASE64..."}]})
    response: Annotated[str, StringConstraints(max_length=4096)] = Field(repr=False)
    sign: Annotated[str, StringConstraints(max_length=1024)] = Field(repr=False)


def _credential_kind(body: Any) -> str:
    return "alipay" if isinstance(body, dict) and ("response" in body or "sign" in body) else "wechat"


PhoneNumberRequest = Annotated[
    Annotated[WeChatCredential, Tag("wechat")] | Annotated[AlipayCredential, Tag("alipay")],
    Discriminator(_credential_kind),
]


class _InquiryRequest(Received):
    phone: PhoneText = Field(
        repr=False, description="The number that the code was sent to, or the ticket that stood for it."
    )
    code: Typed = Field(repr=False, description="The six digits of the message.")
    consent: bool = Field(default=False, description="Must be `true`: the citizen agrees to the privacy notice.")


class AccountsInquiryRequest(_InquiryRequest):
    """An inquiry about the internet accounts tied to this phone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "service": "internet-accounts",
                    "phone": "13800138000",
                    "id_tail": "12345X",
                    "code": "482913",
                    "consent": True,
                }
            ]
        }
    )
    service: Literal["internet-accounts"]
    id_tail: Typed = Field(repr=False, description="Last six characters of the ID number; the last may be X.")
    audience: Slug | SkipJsonSchema[None] = may_be_absent(
        "Whom the SMS is to be shown to, a partner's code or `police`: it then carries a code that they can verify."
    )


class CardsInquiryRequest(_InquiryRequest):
    """An inquiry about the phone cards registered with this ID."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "service": "phone-cards",
                    "phone": "13800138000",
                    "name": "张三",
                    "id_number": "11010519491231002X",
                    "code": "482913",
                    "consent": True,
                }
            ]
        }
    )
    service: Literal["phone-cards"]
    name: Typed = Field(repr=False, description="Name as on the ID card.")
    id_number: Typed = Field(repr=False, description="All 18 characters of the ID number.")


InquiryRequest = Annotated[AccountsInquiryRequest | CardsInquiryRequest, Field(discriminator="service")]

SESSION_REQUEST: TypeAdapter[WebEntry | TicketEntry | AppletEntry] = TypeAdapter(SessionRequest)
CODE_REQUEST: TypeAdapter[CodeRequest] = TypeAdapter(CodeRequest)
PHONE_NUMBER_REQUEST: TypeAdapter[WeChatCredential | AlipayCredential] = TypeAdapter(PhoneNumberRequest)
INQUIRY_REQUEST: TypeAdapter[AccountsInquiryRequest | CardsInquiryRequest] = TypeAdapter(InquiryRequest)


class SessionAnswer(Answered):
    """Send the token as `Authorization: Bearer <token>`."""

    token: str = Field(repr=False, examples=["AbCdEf..."])
    expires_in: int = Field(description="Seconds until the session ends if it is not used.", examples=[1800])


class CodeAnswer(Answered):
    """The same whether or not a message goes out."""

    phone: str = Field(examples=["138****8000"])
    expires_in: int = Field(description="Seconds the code is good for.", examples=[300])
    resend_after: int = Field(description="Seconds until another one may be asked for.", examples=[60])


class PhoneNumberAnswer(Answered):
    """Pre-fills the form: `ticket` stands for the number wherever it would be typed. The code is still asked for."""

    phone: str = Field(examples=["138****8000"])
    ticket: str = Field(repr=False, description="Good for 30 minutes, for this citizen.", examples=["ticket:AbCd..."])


class InquiryAnswer(Answered):
    """Accepted: it is stored and will be answered by one SMS."""

    reference: str = Field(pattern=REFERENCE, examples=[EXAMPLE_REFERENCE])
    phone: str = Field(examples=["138****8000"])
    port_number: str = Field(description="Who the SMS comes from.", examples=["10699000"])
    reply_by: str = moment("2026-11-24T06:05:00Z", "When the SMS has been sent at the latest.")


class ProgressAnswer(Answered):
    """The progress of one's own inquiry: never the outcome, and the same for everyone in the first 5 s."""

    reference: str = Field(pattern=REFERENCE, examples=[EXAMPLE_REFERENCE])
    service: ServiceCode
    phone: str = Field(examples=["138****8000"])
    status: Literal["asking", "closed"]
    accepted_at: str = moment("2026-11-22T06:05:00Z", "When it was accepted.")
    reply_by: str = moment("2026-11-24T06:05:00Z", "When the SMS has been sent at the latest.")
    asked: int | SkipJsonSchema[None] = may_be_absent("Partners asked; while `asking`, from 5 s on.", examples=[8])
    answered: int | SkipJsonSchema[None] = may_be_absent("How many have answered; beside `asked`.", examples=[6])
    closed_at: str | SkipJsonSchema[None] = may_be_absent("The minute; only when `closed`.", format="date-time")


class Words(Answered):
    """The same in Chinese and English."""

    zh: str = Field(examples=["互联网账号"])
    en: str = Field(examples=["Internet accounts"])


class ServiceAnswer(Answered):
    """A service and the members that its inquiry needs."""

    code: ServiceCode
    name: Words
    fields: list[str] = Field(examples=[["phone", "id_tail", "code", "consent"]])
    reply_within: int = Field(description="Seconds within which the SMS is sent.", examples=[172800])


class ServicesAnswer(Answered):
    """The services that are open now."""

    services: list[ServiceAnswer]


class ApplicationAnswer(Answered):
    """A product of an enterprise that a count is given for."""

    code: str = Field(examples=["weixin"])
    name: Words
    assumption: bool = Field(description="Nobody has attested yet that the service counts it.")


class HotlineAnswer(Answered):
    """A verified hotline. One that is not verified is never told."""

    number: str = Field(examples=["10086"])
    hours: Words | SkipJsonSchema[None] = may_be_absent("When it is answered.")
    source: str | SkipJsonSchema[None] = may_be_absent("Where the number was read.")
    verified_on: str = Field(json_schema_extra={"format": "date"}, examples=["2026-11-20"])


class GuideAnswer(Answered):
    """Verified steps in the company's own product."""

    details: Words | SkipJsonSchema[None] = may_be_absent("How to see which accounts are meant.")
    removal: Words | SkipJsonSchema[None] = may_be_absent("How to remove one.")
    source: str | SkipJsonSchema[None] = may_be_absent("Where the steps were read.")
    verified_on: str = Field(json_schema_extra={"format": "date"}, examples=["2026-11-20"])


class PartnerAnswer(Answered):
    """A partner, and where an objection to it goes."""

    code: str = Field(examples=["tencent"])
    kind: Literal["enterprise", "carrier"]
    name: Words
    applications: list[ApplicationAnswer]
    requests: list[RequestKind] = Field(description="The requests it takes; for others there is its guide.")
    page: str | SkipJsonSchema[None] = may_be_absent("The guide on our own pages; enterprises only.", format="uri")
    guide: GuideAnswer | SkipJsonSchema[None] = may_be_absent("Only when verified.")
    hotline: HotlineAnswer | SkipJsonSchema[None] = may_be_absent("Only when verified.")


class ObjectionDays(Answered):
    """Working days that companies have for each wish."""

    unbind_days: int = Field(examples=[5])
    dispute_days: int = Field(examples=[10])


class PartnersAnswer(Answered):
    """All enabled partners, in the catalogue's order."""

    partners: list[PartnerAnswer]
    objections: ObjectionDays | SkipJsonSchema[None] = may_be_absent("Only where objections are offered.")
