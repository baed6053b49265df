"""Replies that can be verified (核验码): the code in the SMS, and the verdict on a text that somebody shows."""
