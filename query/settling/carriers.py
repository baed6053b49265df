"""Choose the carrier an inquiry waits for: its number's first, then the others after not_ours or a disabled one."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from config.db.engine import id_in
from config.ground import Ground
from query.inquiry import State, next_carrier
from query.models import inquiry
from query.settling.after_commit import AfterCommit


def reroute(
    db: Connection, ground: Ground, phones: Mapping[bytes, str], tried: str | None, after: AfterCommit
) -> dict[bytes, str]:
    """Have locked inquiries (id -> phone) wait for the next carrier after `tried`; return those without a next one."""
    catalogue = ground.catalogues.current()
    rows = db.execute(select(inquiry.c.id, inquiry.c.carriers_tried).where(id_in(inquiry.c.id, phones))).all()
    groups: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    nobody: dict[bytes, str] = {}
    for row in rows:
        seen = [*row.carriers_tried.split(), *([tried] if tried else [])]
        carrier = next_carrier((partner.code for partner in catalogue.carrier_order(phones[row.id])), seen)
        if carrier is None:
            nobody[row.id] = phones[row.id]
        else:
            groups[carrier, " ".join(dict.fromkeys(seen))].append(row.id)
    for (carrier, seen_codes), ids in groups.items():
        these = update(inquiry).where(id_in(inquiry.c.id, ids), inquiry.c.state == State.CHECKING)
        db.execute(these.values(wave=None, waiting_for=carrier, carriers_tried=seen_codes))
        after.waiting = True
    return nobody
