"""What the clock does: the sweep, retention, figures."""
