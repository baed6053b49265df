"""The errors of the SMS port, as a tree.

SmsError
├── MessageConflict, MessageTooLong        a message that cannot be owed (a fault of the caller, or of a text)
├── LedgerRaced                            two processes moved one message: undone, and found again
├── DeliveryInvalid, FrameInvalid          a gateway does not keep to its protocol
└── LinkUnknown, MessageUnknown, NumberInvalid, NotInDoubt   what was asked for is not there, or cannot be done
"""

from __future__ import annotations

from config.errors import OneCertError


class SmsError(OneCertError):
    """Base of this folder. No text of it ever holds a number, a message's words or a secret."""

    code = "sms_failed"
    status = 503


class MessageConflict(SmsError):
    """A message with this id exists already and says something else: a fault in the caller."""

    code = "message_conflict"
    status = 409


class MessageTooLong(SmsError):
    """The text needs more parts than a long message can have."""

    code = "message_too_long"
    status = 422


class DeliveryInvalid(SmsError):
    """A gateway's delivery, receipts or citizens' texts, is not what its document describes."""

    code = "body_invalid"
    status = 400


class LinkUnknown(SmsError):
    """No link of the catalogue has this code, or its driver takes no calls over HTTP."""

    code = "not_found"
    status = 404


class PlayFailed(SmsError):
    """A citizen's text could not be played to the running instance."""

    code = "play_failed"


class LedgerRaced(SmsError):
    """Two processes moved one message at once; the transaction is undone and the work found again."""

    code = "ledger_raced"


class MessageUnknown(SmsError):
    """There is no message with this id."""

    code = "not_found"
    status = 404


class NumberInvalid(SmsError):
    """The typed text is no mobile number."""

    code = "phone_invalid"
    status = 422


class FrameInvalid(SmsError):
    """A gateway sent bytes that are no frame of its protocol; the connection is closed."""

    code = "frame_invalid"


class NotInDoubt(SmsError):
    """Only a reply whose outcome is unknown can be sent once more."""

    code = "not_in_doubt"
    status = 409
