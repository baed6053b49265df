"""The pages after a count: choose what to ask of companies, the form, its progress, and turning on alerts."""
