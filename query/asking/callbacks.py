"""Recording what a partner called back. It names items, not questions; what is not open to it changes nothing."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select

from config.db.engine import id_in, reading
from config.ground import Ground
from enterprises.protocol import Answer as PartnerAnswer
from query.models import inquiry, question
from query.waves.answers import stored_answer
from query.waves.questions import CALLED_BACK, COUNT, REFUSED, Answer, Lease, QuestionState
from query.waves.record import record

AT_ONCE: Final = 500
ITEM: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


def record_called_back(ground: Ground, partner: str, told: Mapping[str, PartnerAnswer]) -> int:
    """Keep the answers (item id -> answer) of questions that were put to this partner and are open; returns how many.

    Unknown, closed and already answered items change nothing. The rest is for `advance`, which is rung.
    """
    answers = {bytes.fromhex(item): stored_answer(answer) for item, answer in told.items() if ITEM.fullmatch(item)}
    taken = 0
    for lease, mine in _open(ground, partner, answers):
        if record(ground, lease, mine):
            ground.bell.ring("advance")
        taken += len(mine)
    return taken


def _open(ground: Ground, partner: str, answers: Mapping[bytes, Answer]) -> Iterator[tuple[Lease, dict[bytes, Answer]]]:
    ids = sorted(answers)
    for start in range(0, len(ids), AT_ONCE):
        rows = _rows(ground, partner, ids[start : start + AT_ONCE])
        groups: dict[tuple[str, str], dict[bytes, Any]] = defaultdict(dict)
        for row in rows:
            if _fits(row.kind, answers[row.id]):
                groups[row.kind, row.service][row.id] = row
        for (kind, service), found in groups.items():
            tries = dict.fromkeys((row.wave for row in found.values()), CALLED_BACK)
            yield Lease(partner, kind, service, tries, 0), {number: answers[number] for number in found}


def _rows(ground: Ground, partner: str, ids: list[bytes]) -> Sequence[Any]:
    """Open questions that were put to this partner about these inquiries. Never asked, nothing can be answered."""
    asked = (question.c.partner == partner, question.c.state != QuestionState.DONE, question.c.tries > 0)
    columns = (inquiry.c.id, question.c.wave, question.c.kind, question.c.service)
    found = select(*columns).join(question, question.c.wave == inquiry.c.wave)
    with reading(ground.engine) as db:
        return db.execute(found.where(id_in(inquiry.c.id, ids), *asked)).all()


def _fits(kind: str, answer: Answer) -> bool:
    """Counts answer a question for counts, a verdict one about identity, `refused` either."""
    return answer is not None and (answer == REFUSED or isinstance(answer, dict) == (kind == COUNT))
