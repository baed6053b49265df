"""Processes: the supervisor, the web server, health checks."""
