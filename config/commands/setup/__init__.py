"""The commands that begin a deployment: its settings and its secrets."""
