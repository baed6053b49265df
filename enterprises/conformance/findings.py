"""What a check of the conformance run finds when the partner does not pass it."""


class Failed(Exception):
    """A check failed; the text says what was seen."""


class Skipped(Exception):
    """A check could not be made; the text says why."""
