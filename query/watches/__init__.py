"""Watches: alerts by SMS when a new account is tied to a number, for citizens who asked for them."""
