"""How a check of the conformance run ends when it does not pass."""


class Failed(Exception):
    """A check failed; the text says what was seen."""


class Skipped(Exception):
    """A check could not be made; the text says why."""
