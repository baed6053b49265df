"""Who may ask, and how often: sessions, tickets, budgets, and the verbs that both doors call."""
