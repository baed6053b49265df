"""Messages that the sandbox's phones have received. In memory, bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass

MOST_MESSAGES = 100_000


@dataclass(frozen=True)
class Text:
    """One message as a phone shows it: its parts joined."""

    to: str
    sender: str
    text: str
    parts: int
    received_at: int


class Inbox:
    """Messages by reference and by phone; the oldest is forgotten first."""

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._by_reference: OrderedDict[str, Text] = OrderedDict()
        self._by_phone: dict[str, deque[Text]] = {}

    def receive(self, reference: str, text: Text) -> bool:
        """Keep a message once; False when the reference was used for another one."""
        with self._lock:
            known = self._by_reference.setdefault(reference, text)
            if known is not text:
                return (known.to, known.sender, known.text) == (text.to, text.sender, text.text)
            self._by_phone.setdefault(text.to, deque()).append(text)
            if len(self._by_reference) > self._most:
                self._forget_oldest()
            return True

    def knows(self, reference: str) -> bool:
        """Return whether a message with this reference was received."""
        with self._lock:
            return reference in self._by_reference

    def texts(self, phone: str) -> list[Text]:
        """Return what a phone has received, the oldest first."""
        with self._lock:
            return list(self._by_phone.get(phone, ()))

    def _forget_oldest(self) -> None:
        _, oldest = self._by_reference.popitem(last=False)
        texts = self._by_phone[oldest.to]
        texts.popleft()
        if not texts:
            del self._by_phone[oldest.to]
