"""The tokens and error codes of the platforms whose API we call."""
