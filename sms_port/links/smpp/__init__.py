"""The SMPP 3.4 driver."""
