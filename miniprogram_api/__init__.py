"""The one JSON contract that mini programs and our own pages speak."""
