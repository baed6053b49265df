"""Access control: sessions, tickets, budgets, and the verbs that both doors call."""
