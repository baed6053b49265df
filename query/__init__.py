"""The inquiry from first to last: its rules, its tables, its pipeline."""
