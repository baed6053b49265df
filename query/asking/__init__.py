"""The jobs that gather inquiries into waves and ask partners."""
