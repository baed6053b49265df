"""The bell that wakes workers through Redis, and the worker that answers it."""
