"""Objections: what a citizen asks of companies after a count, from the form to the one SMS that tells the findings."""
