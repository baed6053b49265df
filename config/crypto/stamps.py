"""Signatures that came before, each with a mark of what it came with: for protocols that do not sign the body.

A table in shared memory answers at once for all processes of a host. What a process notes reaches the other hosts
within some 60 ms, through a Redis stream. Nothing in it expires: a signature that is too old is refused elsewhere.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from pathlib import Path

from redis import Redis, RedisError

from config.queue.bell import another_client
from config.telemetry.log import get_logger

SLOTS = 1 << 20
"""16 MB of a sparse file; two live signatures share a slot once in a million, and the older one is then forgotten."""

STREAM = "stamps"
KEPT_MS = 600_000
BATCH_S = 0.05
READ_BLOCK_MS = 2_000
AWAY_S = 1.0
LONGEST_QUEUE = 100_000

_ENTRY = struct.Struct("<QQ")

log = get_logger(__name__)


class Stamps:
    """One per process. `directory`: shared by the processes of this host."""

    def __init__(self, directory: Path, redis: Redis) -> None:
        self._table = _open_table(directory / "stamps")
        self._redis = redis
        self._owed: deque[bytes] = deque(maxlen=LONGEST_QUEUE)
        self._wake, self._start = threading.Event(), threading.Lock()
        self._started = False

    def is_replay(self, signature: bytes, content: bytes) -> bool:
        """Return whether this signature came before with other content; each has 8 bytes or more, at random."""
        if not self._started:
            self._begin()
        entry = signature[:8] + content[:8]
        known = self._note(entry)
        if known is not None:
            return known != entry
        self._owed.append(entry)
        if not self._wake.is_set():
            self._wake.set()
        return False

    def _note(self, entry: bytes) -> bytes | None:
        """Put an entry into its slot; the one that is there already for the same signature stays, and is returned."""
        at = (int.from_bytes(entry[:8], "little") % SLOTS) * _ENTRY.size
        known = self._table[at : at + _ENTRY.size]
        if known[:8] == entry[:8]:
            return known
        self._table[at : at + _ENTRY.size] = entry
        return None

    def _begin(self) -> None:
        """Read what other hosts noted, and keep on reading and telling while this object lives."""
        with self._start:
            if self._started:
                return
            last = "0"
            with suppress(RedisError):
                last = self._take(another_client(self._redis, 1.0), last, None)
            owner = weakref.ref(self)
            for work in (_read, _tell):
                client = another_client(self._redis, READ_BLOCK_MS / 1000 + 5)
                threading.Thread(target=work, args=(owner, client, last), name="stamps", daemon=True).start()
            self._started = True

    def _take(self, client: Redis, last: str, block_ms: int | None) -> str:
        """Note the entries behind `last` (an id of the stream), and return the id of the newest. Raises RedisError."""
        found: object = client.xread({STREAM: last}, count=1_000, block=block_ms)
        for identity, fields in _batches(found):
            last = identity
            packed = fields.get(b"d", b"")
            for at in range(0, len(packed) - _ENTRY.size + 1, _ENTRY.size):
                self._note(packed[at : at + _ENTRY.size])
        return last


def _batches(found: object) -> list[tuple[str, dict[bytes, bytes]]]:
    """The stream's entries in an answer to XREAD, in either version of Redis's protocol."""
    if isinstance(found, dict):
        entries = [entry for lists in found.values() for each in lists for entry in each]
    else:
        entries = [entry for _, each in found for entry in each] if isinstance(found, list) else []
    return [(identity.decode(), fields) for identity, fields in entries]


def _open_table(path: Path) -> mmap.mmap:
    """Open the host's table; where the directory cannot be written, one of this process."""
    size = SLOTS * _ENTRY.size
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        log.warning("stamps_not_shared", error=type(error).__name__)
        return mmap.mmap(-1, size)
    try:
        os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _read(owner: weakref.ref[Stamps], client: Redis, last: str) -> None:
    """Take in what other hosts noted, until the owner is gone."""
    while (stamps := owner()) is not None:
        try:
            last = stamps._take(client, last, READ_BLOCK_MS)
        except RedisError:
            time.sleep(AWAY_S)
        del stamps
    client.close()


def _tell(owner: weakref.ref[Stamps], client: Redis, _last: str) -> None:
    """Tell other hosts what this process noted, some milliseconds' worth at a time, until the owner is gone."""
    while (stamps := owner()) is not None:
        wake, owed = stamps._wake, stamps._owed
        del stamps
        if not wake.wait(READ_BLOCK_MS / 1000):
            continue
        time.sleep(BATCH_S)
        wake.clear()
        packed = b"".join(owed.popleft() for _ in range(len(owed)))
        try:
            oldest = int(time.time() * 1000) - KEPT_MS
            batch = client.pipeline(transaction=False)
            batch.xadd(STREAM, {"d": packed}, minid=oldest, approximate=True)
            batch.pexpire(STREAM, KEPT_MS)
            batch.execute()
        except RedisError:
            log.warning("stamps_not_told", reason="redis is away")
            time.sleep(AWAY_S)
    client.close()
