"""The questions that the sandbox's partners received, for tests. In memory, bounded."""

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.times.formats import rfc3339

IDS_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Question:
    """A genuine question as the sandbox received it."""

    batch: str
    kind: str
    service: str
    items: Sequence[Mapping[str, str]]


class Received:
    """The questions to each partner: times, kinds and ids, never more. The oldest is dropped first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, deque[dict[str, Any]]] = {}
        self._ids: Counter[str] = Counter()

    def note(self, partner: str, question: Question, at: int) -> None:
        """Remember one question; `at` in epoch ms."""
        ids = [item["id"] for item in question.items]
        call = {"at": rfc3339(at), "kind": question.kind, "service": question.service, "ids": ids}
        with self._lock:
            calls = self._calls.setdefault(partner, deque())
            calls.append(call)
            self._ids[partner] += len(ids)
            while self._ids[partner] > IDS_REMEMBERED:
                self._ids[partner] -= len(calls.popleft()["ids"])

    def listing(self, partner: str) -> list[dict[str, Any]]:
        """Return the questions to a partner, oldest first."""
        with self._lock:
            return list(self._calls.get(partner, ()))
