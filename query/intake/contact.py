"""The number of an inquiry under a key that only the citizen's own session holds.

The reply erases the number. So that its owner can still turn on alerts from the closed page, it is kept as long as the
progress can be seen, under a key made of the session's secret: the session's token is with the citizen, and without it
neither the database nor our own keys open the number.
"""

from config.crypto.key_ring import KeyRing
from config.crypto.suites import decrypt, encrypt


def contact_key(keys: KeyRing, session_secret: bytes) -> bytes:
    """The key of a session, 32 bytes. It is never stored."""
    return keys.mac("contact-key", session_secret)


def seal_contact(key: bytes, inquiry: bytes, phone: str) -> bytes:
    """The number of an inquiry (its id: 16 bytes, 10 of them random) under a session's key."""
    return encrypt("aes", key, inquiry[4:], phone.encode(), inquiry)


def open_contact(key: bytes, inquiry: bytes, sealed: bytes) -> str:
    """The number again. Raises SealBroken under another session's key."""
    return decrypt("aes", key, inquiry[4:], sealed, inquiry).decode()
