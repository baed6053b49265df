"""From what a verb returns to what the contract says. Pure; times become RFC 3339 here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from config.catalogue.fields import Bilingual
from config.catalogue.schema import Guide, Hotline, Objections, Partner, Service
from config.times.formats import rfc3339, shanghai
from miniprogram_api.contract.objection_schemas import ObjectionAnswer, ObjectionProgressAnswer
from miniprogram_api.contract.schemas import (
    ApplicationAnswer,
    CodeAnswer,
    GuideAnswer,
    HotlineAnswer,
    InquiryAnswer,
    ObjectionDays,
    PartnerAnswer,
    PartnersAnswer,
    PhoneNumberAnswer,
    ProgressAnswer,
    ServiceAnswer,
    ServicesAnswer,
    SessionAnswer,
    Words,
)
from query.access.door import KnownPhone, OpenedSession
from query.intake.codes import CodeSent
from query.intake.submit import Accepted
from query.objections.intake import AcceptedObjection
from query.objections.progress import ObjectionProgress
from query.progress import Progress


def opened(session: OpenedSession) -> SessionAnswer:
    """A new session."""
    return SessionAnswer(token=session.token, expires_in=session.expires_in)


def code_sent(sent: CodeSent) -> CodeAnswer:
    """A code that is on its way."""
    return CodeAnswer(phone=sent.phone, expires_in=sent.expires_in, resend_after=sent.resend_after)


def known_phone(known: KnownPhone) -> PhoneNumberAnswer:
    """A number that the platform told."""
    return PhoneNumberAnswer(phone=known.phone, ticket=known.ticket)


def accepted(inquiry: Accepted) -> InquiryAnswer:
    """An accepted inquiry."""
    return InquiryAnswer(
        reference=inquiry.reference,
        phone=inquiry.phone,
        port_number=inquiry.port_number,
        reply_by=rfc3339(inquiry.reply_by),
    )


def progress(seen: Progress) -> ProgressAnswer:
    """One's own inquiry."""
    return ProgressAnswer.model_validate(
        {
            "reference": seen.reference,
            "service": seen.service,
            "phone": seen.phone,
            "status": seen.status,
            "accepted_at": rfc3339(seen.accepted_at),
            "reply_by": rfc3339(seen.reply_by),
            "asked": seen.asked,
            "answered": seen.answered,
            "closed_at": rfc3339(seen.closed_at) if seen.closed_at is not None else None,
        }
    )


def accepted_objection(objection: AcceptedObjection) -> ObjectionAnswer:
    """An accepted objection."""
    return ObjectionAnswer(reference=objection.reference, phone=objection.phone, wish=objection.wish, due=objection.due)


def objection_progress(seen: ObjectionProgress) -> ObjectionProgressAnswer:
    """One's own objection; `closed_at` is the day, since the hour of an ending might tell it."""
    return ObjectionProgressAnswer(
        reference=seen.reference,
        phone=seen.phone,
        wish=seen.wish,
        applications=list(seen.applications),
        status=seen.status,
        accepted_at=rfc3339(seen.accepted_at),
        due=seen.due,
        closed_at=shanghai(seen.closed_at).date().isoformat() if seen.closed_at is not None else None,
    )


def services(offered: Sequence[Service]) -> ServicesAnswer:
    """The services that are open now."""
    return ServicesAnswer(
        services=[
            ServiceAnswer(
                code=service.code,
                name=_words(service.name),
                fields=list(service.fields),
                reply_within=service.reply_within_s,
            )
            for service in offered
        ]
    )


def partners(asked: Sequence[Partner], objections: Objections | None, public_url: str) -> PartnersAnswer:
    """Return the partners; `public_url` is where our pages are, `objections` the terms on which they are offered."""
    days = ObjectionDays(**objections.model_dump(exclude={"enabled"})) if objections is not None else None
    return PartnersAnswer(partners=[_partner(partner, public_url) for partner in asked], objections=days)


def _partner(partner: Partner, public_url: str) -> PartnerAnswer:
    guided = partner.kind == "enterprise"
    return PartnerAnswer(
        code=partner.code,
        kind=partner.kind,
        name=_words(partner.name),
        applications=[
            ApplicationAnswer(code=each.code, name=_words(each.name), assumption=each.assumption)
            for each in partner.applications
        ],
        requests=list(partner.requests),
        page=f"{public_url.rstrip('/')}/guides/{partner.code}" if guided else None,
        guide=_guide(partner.shown_guide),
        hotline=_hotline(partner.shown_hotline),
    )


def _guide(guide: Guide | None) -> GuideAnswer | None:
    if guide is None or guide.verified_on is None:
        return None
    return GuideAnswer(
        details=_words(guide.details) if guide.details else None,
        removal=_words(guide.removal) if guide.removal else None,
        source=guide.source,
        verified_on=guide.verified_on.isoformat(),
    )


def _hotline(hotline: Hotline | None) -> HotlineAnswer | None:
    if hotline is None or hotline.verified_on is None:
        return None
    return HotlineAnswer(
        number=hotline.number,
        hours=_words(hotline.hours) if hotline.hours else None,
        source=hotline.source,
        verified_on=hotline.verified_on.isoformat(),
    )


def _words(words: Bilingual) -> Words:
    return Words(zh=words.zh, en=words.en)
