"""Requests: single items put to one partner each, leased, sent in batches, and answered at once or reported later."""
