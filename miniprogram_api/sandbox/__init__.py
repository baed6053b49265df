"""Simulated platforms of mini programs. Production code never imports it."""
