"""Sealing, keyed hashes, signatures, nonces, and the secrets that an administrator sets."""
