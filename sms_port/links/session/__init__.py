"""Connections that are kept open, windows and listeners, shared by CMPP and SMPP."""
