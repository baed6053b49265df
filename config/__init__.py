"""The foundation: settings, database, queue, keys, audit, and the catalogue an administrator edits."""
