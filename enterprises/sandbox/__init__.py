"""Simulated enterprises and carriers. Production code never imports it."""
