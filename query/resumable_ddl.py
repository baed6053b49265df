"""Migration operations that pass over what is there already.

MariaDB commits at each DDL statement. A migration that was cut off in the middle (a killed client, a lost connection)
has therefore made part of its tables, columns and indexes; run again, it makes the rest. Importing this module replaces
Alembic's implementations.
"""

from __future__ import annotations

from alembic.operations import Operations, ops, toimpl
from sqlalchemy import Table, inspect


@Operations.implementation_for(ops.CreateTableOp, replace=True)
def create_table(operations: Operations, operation: ops.CreateTableOp) -> Table:
    """Create the table unless it exists, and those of its indexes that are missing."""
    if not inspect(operations.get_bind()).has_table(operation.table_name):
        return toimpl.create_table(operations, operation)
    return operation.to_table(operations.migration_context)


@Operations.implementation_for(ops.AddColumnOp, replace=True)
def add_column(operations: Operations, operation: ops.AddColumnOp) -> None:
    """Add the column unless the table has one of that name."""
    present = {column["name"] for column in inspect(operations.get_bind()).get_columns(operation.table_name)}
    if operation.column.name not in present:
        toimpl.add_column(operations, operation)


@Operations.implementation_for(ops.CreateIndexOp, replace=True)
def create_index(operations: Operations, operation: ops.CreateIndexOp) -> None:
    """Create the index unless the table has one of that name."""
    present = {index["name"] for index in inspect(operations.get_bind()).get_indexes(operation.table_name)}
    if operation.index_name not in present:
        toimpl.create_index(operations, operation)
