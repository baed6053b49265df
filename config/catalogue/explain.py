"""Faults of a catalogue document in an administrator's words: where it is, what is wrong, what to do. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from config.catalogue.schema import Catalogue


def describe(error: ValidationError, document: Mapping[str, Any]) -> list[str]:
    """One line for each fault of `document`, such as `partners[tencent].batch_size: write a number of at most 500`."""
    return [f"{name_place(fault['loc'], document)}: {_advise(fault, document)}" for fault in error.errors()]


def name_place(location: Sequence[str | int], document: Mapping[str, Any]) -> str:
    """The path to a value, with the entry's code where it has one: `partners[tencent].base_url`."""
    path, here = "", document
    for step in location:
        here = _step_into(here, step)
        if isinstance(step, int):
            path += f"[{here.get('code', step) if isinstance(here, Mapping) else step}]"
        else:
            path += f".{step}" if path else step
    return path or "the document"


def _step_into(here: Any, step: str | int) -> Any:
    try:
        return here[step]
    except (KeyError, IndexError, TypeError):
        return None


def _advise(fault: Any, document: Mapping[str, Any]) -> str:
    kind, context = str(fault["type"]), fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"no such key{_nearest(fault['loc'])}; correct the spelling or remove it"
    if kind == "missing":
        return "is missing; add it"
    if kind == "literal_error":
        return f"write one of {context['expected']}"
    if kind == "string_pattern_mismatch":
        return f"does not have the right form; write something that matches {context['pattern']}"
    if kind in _NUMBERS:
        return f"write a number {_NUMBERS[kind]} {next(iter(context.values()))}"
    if kind.endswith("_type") and kind.removesuffix("_type") in _TYPES:
        written = _TYPES.get(type(_follow(fault["loc"], document)).__name__, "something else")
        return f"write {_TYPES[kind.removesuffix('_type')]} instead of {written}"
    return f"{str(fault['msg'])[:1].lower()}{str(fault['msg'])[1:]}; correct it"


def _follow(location: Sequence[str | int], document: Any) -> Any:
    for step in location:
        document = _step_into(document, step)
    return document


_NUMBERS = {
    "greater_than": "above",
    "greater_than_equal": "of at least",
    "less_than": "below",
    "less_than_equal": "of at most",
}

_TYPES = {
    "str": "a text in quotes",
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date such as 2026-11-22, without quotes,",
    "tuple": "a list in [ ]",
    "dict": "a table",
    "model": "a table",
}


def _nearest(location: Sequence[str | int]) -> str:
    known = _known_keys([step for step in location[:-1] if isinstance(step, str)])
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _known_keys(steps: Sequence[str]) -> list[str]:
    model: type[BaseModel] | None = Catalogue
    for step in steps:
        field = model.model_fields.get(step) if model else None
        model = _model_in(field.annotation) if field else None
    return [key for key in model.model_fields if key != "version"] if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, also inside a tuple or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(inner) for inner in getattr(annotation, "__args__", ()))
    return next((model for model in found if model), None)
