"""The kinds of columns that tables are made of, alike on SQLite and on MariaDB or MySQL."""

from typing import Final

from sqlalchemy import BINARY, BigInteger, Dialect, Integer
from sqlalchemy.dialects import mysql
from sqlalchemy.types import BLOB, VARBINARY, LargeBinary, TypeEngine

SEAL_OVERHEAD: Final = 31
"""Bytes that sealing adds: format 1, key id 2, nonce 12, tag 16."""

Ms = BigInteger
"""A time: epoch milliseconds."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database counts up (SQLite counts only INTEGER)."""


class RawBytes(TypeEngine[bytes]):
    """Bytes as they are: both drivers take and give them so, and a function call for each value is dear."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Nothing is done to a value on its way in."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Nothing is done to a value on its way out."""


class _Binary(RawBytes, BINARY):
    pass


class _VarBinary(RawBytes, VARBINARY):
    pass


Id16 = _Binary(16)
"""A random or time-ordered identifier of 128 bits."""

Mac32 = _Binary(32)
"""A keyed MAC, such as the blind index of a phone."""


def Sealed(plain: int) -> TypeEngine[bytes]:
    """A column for a sealed value of at most `plain` bytes before sealing."""
    size = plain + SEAL_OVERHEAD
    if size <= 4096:
        return _VarBinary(size)
    if size <= 65_535:
        return BLOB()
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
