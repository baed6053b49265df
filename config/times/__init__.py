"""Moments: the clock, their text forms, and opening hours."""
