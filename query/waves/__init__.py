"""Waves, their questions and the answers: the tables' rules."""
