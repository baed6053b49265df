"""The sandbox's switchboard: how each simulated side behaves."""
