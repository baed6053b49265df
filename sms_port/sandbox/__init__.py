"""Simulated SMS gateways and a phone to look at. Production code never imports it."""
