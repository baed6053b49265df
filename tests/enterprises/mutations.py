"""Valid answers about items `a`, `b` and `c`, and a strategy that spoils them."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

BATCH = "0b1e6f2e-5d0c-4d5e-9a57-0f6f6ad9b0a1"
VALID_COUNTS = {
    "batch": BATCH,
    "items": [
        {"id": "a", "counts": {"weixin": 2, "qq": 1}},
        {"id": "b", "counts": {"weixin": 0}},
        {"id": "c", "error": "refused"},
    ],
}
VALID_VERDICTS = {
    "batch": BATCH,
    "items": [{"id": "a", "verdict": "match"}, {"id": "b", "verdict": "not_ours"}, {"id": "c", "error": "retry"}],
}
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["a", "b", "c", "match", "retry", BATCH, 2, 999, 1000, -1, 1e308]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "counts", "verdict", "error", "weixin", "qq"]), st.integers(), max_size=2),
)


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON tree."""
    found: list[tuple[Any, Any]] = []
    keys: Any = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        found += [(tree, key), *places(tree[key])]
    return found


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """A valid answer with one to three members replaced, removed or doubled, then perhaps a byte flipped or cut off."""
    tree = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(tree) or [({"": 0}, "")]))
        act = draw(st.sampled_from(["replace", "remove", "double"]))
        if act == "remove":
            del container[key]
        elif act == "double" and isinstance(container, list):
            container.append(draw(st.sampled_from(container)))
        else:
            container[key] = draw(NASTY)
    body = bytearray(json.dumps(tree).encode())
    if draw(st.integers(0, 3)) == 0:
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 7)) == 0:
        del body[draw(st.integers(0, len(body))) :]
    return bytes(body)


def believed(body: bytes) -> list[dict[str, Any]]:
    """The objects in the body's items, read by the standard library alone."""
    items = json.loads(body)["items"]
    return [item for item in items if isinstance(item, dict)]
