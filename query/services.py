"""Look up services in the catalogue."""

from dataclasses import dataclass

from config.catalogue.schema import Catalogue, Service
from query.errors import ServiceUnknown
from query.inquiry import HELP, INTERNET_ACCOUNTS, OBJECTION, Times


@dataclass(frozen=True, slots=True)
class PromisedTimes:
    """The times of an inquiry whose service has left the catalogue: those it was promised."""

    patience_s: int = 7_200
    identity_patience_s: int = 21_600
    decision_s: int = 158_400
    reply_within_s: int = 172_800


def get_service(catalogue: Catalogue, code: str) -> Service:
    """Return the service of this code; raises ServiceUnknown when there is none or it is switched off."""
    service = catalogue.service(code)
    if service is None:
        raise ServiceUnknown("no such service")
    return service


def check_code_service(catalogue: Catalogue, code: str) -> None:
    """Raise ServiceUnknown unless verification codes are sent for `code`: an open service, objections, or helps."""
    if code == HELP:
        check_helps(catalogue)
    elif code != OBJECTION:
        get_service(catalogue, code)
    elif catalogue.objections is None or not catalogue.objections.enabled:
        raise ServiceUnknown("objections are not offered")


def check_helps(catalogue: Catalogue) -> None:
    """Raise ServiceUnknown unless citizens may ask for a relative: it needs its texts, and an open service."""
    if "help-offer" not in catalogue.texts.sms or "sms-inquiry-ask" not in catalogue.texts.sms:
        raise ServiceUnknown("inquiries for a relative are not offered")
    get_service(catalogue, INTERNET_ACCOUNTS)


def times_of(catalogue: Catalogue, code: str) -> Times:
    """Return the times of a service, switched off or not: inquiries under way go on."""
    return next((service for service in catalogue.services if service.code == code), PromisedTimes())
