"""Log lines and metrics, without personal data."""
