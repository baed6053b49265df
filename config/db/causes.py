"""Driver errors as sentences an operator can act on: one table for the commands, `doctor` and the log. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNREACHABLE: Final = "the database does not answer just now"
UNPREPARED: Final = (
    "the database lacks tables or columns; `onecert db upgrade` makes them, "
    "unless ONECERT_DATA or ONECERT_DATABASE_URL leads to the wrong one"
)
REFUSED_USER: Final = "the database refuses the user or its password; check ONECERT_DATABASE_URL and the user's grants"
READ_ONLY: Final = "the database is read-only; a replica, or a server set to read_only, cannot be used"
FULL: Final = "the database's disk is full; free space on it, nothing can be written until then"
TOO_MANY: Final = "the database server has no connection left; raise max_connections or stop other clients"
TLS: Final = (
    "the TLS connection to the database failed; check its certificate and the ssl settings of ONECERT_DATABASE_URL"
)
DAMAGED: Final = "the database file is damaged or is no database; restore it from a backup"
LOCKED: Final = "the database stayed locked by another program or a long statement; try again"

CAUSES: Final[Mapping[int, str]] = {
    1040: TOO_MANY,
    1203: TOO_MANY,
    1226: TOO_MANY,
    1045: REFUSED_USER,
    1044: REFUSED_USER,
    1142: "the database's user lacks a right on a table; grant it all rights on its own database",
    1227: "the database's user lacks a right; grant it all rights on its own database",
    1698: REFUSED_USER,
    1049: "the database server has no database of that name; create it, or correct ONECERT_DATABASE_URL",
    1054: UNPREPARED,
    1146: UNPREPARED,
    1021: FULL,
    1114: FULL,
    1205: LOCKED,
    1213: LOCKED,
    1290: READ_ONLY,
    1792: READ_ONLY,
    1836: READ_ONLY,
    1047: "this node of the cluster is not ready (WSREP); it takes no statement until it has joined again",
    2003: "the database server cannot be reached; check that it runs, and the host and port of ONECERT_DATABASE_URL",
    2005: "the host in ONECERT_DATABASE_URL is unknown",
    2006: "the database server closed the connection",
    2013: "the database server closed the connection, or did not answer in time",
    2026: TLS,
    3159: "the database server demands TLS; add its ssl settings to ONECERT_DATABASE_URL",
}
"""MySQL and MariaDB error numbers; those from 2000 to 2999 are the client's."""

TEXTS: Final[Mapping[str, str]] = {
    "name or service not known": CAUSES[2005],
    "temporary failure in name resolution": CAUSES[2005],
    "certificate": TLS,
    "ssl": TLS,
    "connection refused": CAUSES[2003],
    "timed out": CAUSES[2013],
    "no such table": UNPREPARED,
    "no such column": UNPREPARED,
    "has no column named": UNPREPARED,
    "database or disk is full": FULL,
    "no space left": FULL,
    "attempt to write a readonly database": "the database file is read-only for this user; check its owner and mode",
    "unable to open database file": "the database file cannot be opened; check ONECERT_DATA, its owner and its mode",
    "disk i/o error": "the disk of the database reports an error",
    "file is not a database": DAMAGED,
    "malformed": DAMAGED,
    "database is locked": LOCKED,
}
"""Parts of the drivers' texts, in lower case; the first that fits counts."""


def explain(code: object, text: str) -> str:
    """Return the sentence for a driver error's first argument and its text; UNREACHABLE when neither is known.

    PyMySQL reports a wrong name, a refused and a timed-out connection all as 2003, so for it the text is read first.
    """
    known = CAUSES.get(code) if isinstance(code, int) else None
    if known is not None and code != 2003:
        return known
    folded = text.lower()
    return next((sentence for part, sentence in TEXTS.items() if part in folded), known or UNREACHABLE)
