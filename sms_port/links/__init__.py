"""The drivers, one package each: how a message travels over one kind of link."""
