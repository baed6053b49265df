"""Official accounts and the pages: the webhook, the menu, what a citizen sees."""
