"""The conformance kit: checks whether a partner keeps to the lookup protocol."""
