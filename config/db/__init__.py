"""The database: the engine, transactions, and the column types."""
