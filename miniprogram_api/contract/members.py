"""Kinds of members that several shapes of the contract have."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def moment(example: str, description: str) -> Any:
    """A member that is a time (RFC 3339)."""
    return Field(json_schema_extra={"format": "date-time"}, examples=[example], description=description)


def may_be_absent(description: str, **extra: Any) -> Any:
    """A member that is left out, never null."""

    def without_default(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        schema.update(extra)

    return Field(default=None, description=description, json_schema_extra=without_default)
