"""Exceptions by which a check of the conformance run reports its finding."""


class Failed(Exception):
    """A check failed; the text says what was observed."""


class Skipped(Exception):
    """A check could not be made; the text says why."""
