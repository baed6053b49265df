"""One function gives an inquiry its state, and nobody goes round it."""

from __future__ import annotations

import ast
import re
from itertools import product
from pathlib import Path

import pytest

from config.db.engine import begin
from config.ground import Ground
from query.errors import MovedElsewhere
from query.inquiry import MOVES, Outcome, State
from query.moves import lock_still_open, move
from tests.query.partner_stub import accept, one

ROOT = Path(__file__).parents[2]


def test_only_the_moves_of_the_table_are_made(ground: Ground) -> None:
    others = [pair for pair in product(State, State) if pair not in MOVES]
    assert len(others) == 12
    for old, new in others:
        with begin(ground.engine) as db, pytest.raises(ValueError, match="no inquiry moves"):
            move(db, [b"x" * 16], old, new)


def test_what_is_not_where_it_should_be_is_not_moved(ground: Ground) -> None:
    here, gone = (one(ground, accept(ground, phone)).id for phone in ("13800138001", "13800138002"))
    with begin(ground.engine) as db:
        move(db, [gone], State.CHECKING, State.REPLYING, outcome=Outcome.UNSUCCESSFUL)
    with pytest.raises(MovedElsewhere), begin(ground.engine) as db:
        move(db, [here, gone], State.CHECKING, State.ASKING)
    with begin(ground.engine) as db:
        assert lock_still_open(db, [here, gone], State.CHECKING) == {here}
        assert lock_still_open(db, [here, gone], State.CHECKING, wave=1) == set()
        assert move(db, [here], State.CHECKING, State.ASKING) == [here]
        assert move(db, [], State.CHECKING, State.ASKING) == []


def test_nobody_else_assigns_the_state_of_an_inquiry() -> None:
    """`update(inquiry)` with a `state`, or `insert(inquiry)`, stands in moves.py alone."""
    for path in sorted((ROOT / "query").glob("*.py")):
        if path.name == "moves.py":
            continue
        source = path.read_text()
        assert "insert(inquiry)" not in source, path.name
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
                statement = ast.unparse(node)
                assert not (re.search(r"update\(inquiry\)", statement) and re.search(r"\bstate=|'state'", statement))


def test_the_drawing_in_the_documentation_is_the_table_of_moves() -> None:
    text = (ROOT / "docs/inquiry.md").read_text()
    documented = re.findall(r"^\| `([A-Z]+)` \| `([A-Z]+)` \|", text, re.MULTILINE)
    assert {(State[old], State[new]) for old, new in documented} == MOVES
