"""Inquiries from entrances that sign their calls: a carrier's voice system, a carrier's shops."""
