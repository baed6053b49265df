"""The gateway process: claims owed messages, sends them through a link, records the results."""
