"""The CMPP 3.0 driver."""
