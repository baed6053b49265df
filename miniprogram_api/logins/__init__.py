"""The platforms of mini programs: login codes and phone numbers."""
