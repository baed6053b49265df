"""Record the answers that a partner calls back. It names items, not questions; items not open to it change nothing."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select

from config.db.engine import id_in, reading
from config.ground import Ground
from enterprises.protocol import Answer
from query.models import inquiry, question
from query.waves.answers import stored_answer
from query.waves.questions import COUNT, REFUSED, QuestionState, StoredAnswer
from query.waves.record import RecordedCall, record_all

BATCH_SIZE: Final = 500
ITEM: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


def record_called_back(ground: Ground, partner: str, called_back: Mapping[str, Answer]) -> int:
    """Record answers (by item id) to open questions that were put to this partner; return how many there were.

    Unknown, closed and already answered items change nothing. `advance` is rung for waves that are complete now.
    """
    known = {item: answer for item, answer in called_back.items() if ITEM.fullmatch(item)}
    answers = {bytes.fromhex(item): stored_answer(answer) for item, answer in known.items()}
    awaited = 0
    for call in _calls(ground, partner, answers):
        if record_all(ground, [call]):
            ground.bell.ring("advance")
        awaited += len(call.answers)
    return awaited


def _calls(ground: Ground, partner: str, answers: Mapping[bytes, StoredAnswer]) -> Iterator[RecordedCall]:
    """Sort answers to open questions by kind, a batch of inquiries at a time."""
    ids = sorted(answers)
    for start in range(0, len(ids), BATCH_SIZE):
        waves: dict[str, set[int]] = defaultdict(set)
        found: dict[str, dict[bytes, StoredAnswer]] = defaultdict(dict)
        for row in _open_questions(ground, partner, ids[start : start + BATCH_SIZE]):
            if _fits(row.kind, answers[row.id]):
                waves[row.kind].add(row.wave)
                found[row.kind][row.id] = answers[row.id]
        for kind, mine in found.items():
            yield RecordedCall(partner, kind, waves[kind], mine)


def _open_questions(ground: Ground, partner: str, ids: list[bytes]) -> Sequence[Any]:
    """Return the open questions about these inquiries that were put to the partner at least once."""
    asked = (question.c.partner == partner, question.c.state != QuestionState.DONE, question.c.tries > 0)
    found = select(inquiry.c.id, question.c.wave, question.c.kind).join(question, question.c.wave == inquiry.c.wave)
    with reading(ground.engine) as db:
        return db.execute(found.where(id_in(inquiry.c.id, ids), *asked)).all()


def _fits(kind: str, answer: StoredAnswer) -> bool:
    """Return whether an answer can be one to this kind: counts, a verdict, or `refused` to either."""
    return answer is not None and (answer == REFUSED or isinstance(answer, dict) == (kind == COUNT))
