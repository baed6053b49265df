"""Messages as rows: their states, receipts, inbound texts and totals."""
