"""The links of the catalogue: configured routes to SMS gateways. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.catalogue.fields import Algorithm, Code, Digits, Lane, LinkUrl, Seconds, StrictModel


class ApprovedText(StrictModel):
    """One of `[texts.sms]` that a vendor has approved, and the vendor's code for it."""

    text: Code
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]


class ReceiptState(StrictModel):
    """States in receipts that begin with `prefix`, and what this vendor means by them."""

    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.-]{1,10}$")]
    means: Literal["delivered", "failed", "unclear", "passing"]


class Link(StrictModel):
    """One configured route to an SMS gateway; a lower `preference` is taken first.

    `http` is known by `key_id`; `cmpp` by `account` (SP_Id) and `service_id`; `smpp` by `account` (system_id);
    `aliyun` by `account` (AccessKey ID), and it carries nothing but its `templates`.
    `retryable`: a vendor's results that are not for good. `carriers`: whose numbers it serves; none named: everybody's.
    `window` is what one of the `connections` holds unanswered. `validity`: whether `cmpp` and `smpp` tell the gateway
    until when a message is of use. `receipt_states`: what a vendor's own states in receipts mean, by their beginning.
    `trusted_sender`: the gateway's contract says that nobody can make up the number that a citizen's text comes from;
    otherwise an inquiry by text asks for four digits that only that phone was sent.
    """

    code: Code
    driver: Literal["http", "cmpp", "smpp", "aliyun"]
    url: LinkUrl
    key_id: Code
    algorithm: Algorithm = "hmac-sha256"
    port_number: Digits
    signature_mode: Literal["ours", "gateway"]
    batch_size: Annotated[int, Field(ge=1, le=500)]
    max_parts: Annotated[int, Field(ge=1, le=255)]
    lanes: Annotated[tuple[Lane, ...], Field(min_length=1)]
    enabled: bool = True
    preference: Annotated[int, Field(ge=0, le=1000)]
    connect_s: Seconds
    read_s: Seconds
    total_s: Seconds
    parts_per_second: Annotated[int, Field(ge=1, le=100_000)] = 100_000
    carriers: tuple[Code, ...] = ()
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{0,32}$")] = ""
    service_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,10}$")] = ""
    version: Literal["3.0", "2.0"] = "3.0"
    peer_check: Literal["strict", "warn"] = "strict"
    window: Annotated[int, Field(ge=1, le=64)] = 16
    connections: Annotated[int, Field(ge=1, le=16)] = 1
    idle_s: Seconds = 180
    validity: Literal["absolute", "none"] = "absolute"
    receipt_states: tuple[ReceiptState, ...] = ()
    extension_digits: Annotated[int, Field(ge=0, le=12)] = 0
    retryable: tuple[Annotated[int, Field(ge=1, le=0xFFFFFFFF)], ...] = ()
    trusted_sender: bool = False
    templates: Annotated[tuple[ApprovedText, ...], Field(max_length=32)] = ()
