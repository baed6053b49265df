"""Finished inquiries by the million, made by the database itself (MariaDB's `seq` tables): a month's remains."""

from __future__ import annotations

from sqlalchemy import text

from config.db.engine import begin
from config.ground import Ground

AT_ONCE = 100_000
WAVE = 500
AGE = "({now} - 20 * 86400000 + seq * 1000)"
"""One accepted each second from 20 days ago on."""

ID = "UNHEX(CONCAT(LPAD(HEX({age}), 12, '0'), LEFT(SHA2(CONCAT('id', seq), 256), 20)))"
INDEX = "UNHEX(SHA2(CONCAT('phone', seq), 256))"
ROWS = {
    "inquiry": """
        INSERT INTO inquiry (id, reference, service, entrance, state, outcome, carriers_tried, wave, phone_index, owner,
          submission, fingerprint, consent_version, accepted_at, asked_at, decided_at, closed_at, erase_at)
        SELECT {id}, 100000000000 + seq, 'internet-accounts', 'web', 3, 0, '', seq DIV {wave}, {index},
          UNHEX(SHA2(CONCAT('owner', seq), 256)), UNHEX(SHA2(CONCAT('submission', seq), 256)),
          UNHEX(SHA2(CONCAT('body', seq), 256)), '2026-11', {age}, {age}, {age}, {age} + 900, {now} + 864000000
        FROM {numbers}""",
    "message": """
        INSERT INTO message (id, lane, state, due_at, expires_at, created_at, attempts, sending, resendable, link,
          fingerprint)
        SELECT {id}, 1, 4, {age}, {age} + 172800000, {age}, 1, 1, 1, 'main', REPEAT(CHAR(0), 32) FROM {numbers}""",
    "attempt": """
        INSERT INTO attempt (message, number, sending, link, parts, started_at, ended_at, result)
        SELECT {id}, 1, 1, 'main', 2, {age}, {age} + 100, 1 FROM {numbers}""",
    "receipt": """
        INSERT INTO receipt (link, reference, part, code, done_at, status, received_at)
        SELECT 'main', LOWER(HEX({id})), 1, 'DELIVRD', {age}, 1, {age} FROM {numbers}""",
    "last_inquiry": """
        INSERT INTO last_inquiry (phone_index, service, accepted_at, inquiry)
        SELECT {index}, 'internet-accounts', {age}, {id} FROM {numbers}""",
    "wave": """
        INSERT INTO wave (id, service, stage, open, look, n, members, made_at, decide_at)
        SELECT seq DIV {wave}, 'internet-accounts', 2, 0, 0, {wave}, REPEAT(CHAR(1), 16 * {wave}), {age}, {age}
        FROM {numbers} WHERE seq MOD {wave} = 1""",
    "question": """
        INSERT INTO question (wave, partner, kind, service, state, due_at, lease_until, tries, failed, n)
        SELECT seq DIV {wave}, ELT(1 + seq MOD {wave}, 'tencent', 'alibaba', 'alipay', 'douyin', 'kuaishou', 'baidu',
          'jd', 'meituan'), 'count', 'internet-accounts', 2, {age}, {age}, 1, 0, 0
        FROM {numbers} WHERE seq MOD {wave} < 8""",
}


def store_finished(ground: Ground, first: int, count: int) -> None:
    """Store the inquiries number `first` to `first + count - 1`, all of them closed, with all they leave behind."""
    now = ground.clock.now()
    age = AGE.format(now=now)
    words = {"now": now, "age": age, "id": ID.format(age=age), "index": INDEX, "wave": WAVE}
    for start in range(first, first + count, AT_ONCE):
        numbers = f"seq_{start}_to_{min(start + AT_ONCE, first + count) - 1}"
        for statement in ROWS.values():
            with begin(ground.engine) as db:
                db.execute(text(statement.format(numbers=numbers, **words)))


def analyze(ground: Ground) -> None:
    """Have the database count what it has, as it does by itself after a while."""
    with begin(ground.engine) as db:
        db.execute(text(f"ANALYZE TABLE {', '.join(ROWS)}"))
