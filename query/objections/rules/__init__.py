"""The rules of objections: states and times, working days, texts in and out, the catalogue's settings."""
