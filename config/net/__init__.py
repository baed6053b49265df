"""Outgoing HTTP with a total deadline, a size cap, and no way to private addresses."""
