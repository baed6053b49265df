"""The citizens' pages, with and without JavaScript."""
