"""The catalogue an administrator edits: one TOML document, checked, stored in numbered versions."""
