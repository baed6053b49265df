"""The drivers, one file each: how a message travels over one kind of link."""
