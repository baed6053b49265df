"""A private MariaDB and a private Redis that can be killed, frozen and started again at the same address."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import redis

from tests.support.servers import (
    MARIADB_OPTIONS,
    free_port,
    install_mariadb,
    mariadb_answers,
    redis_answers,
    wait_until,
)

TABLE_IS_FULL = 1114


class Server:
    """One server process: what it is started with, and how one sees that it answers."""

    def __init__(self, command: list[str], log: Path, answers: Callable[[], bool]) -> None:
        self._command, self._log, self._answers = command, log, answers
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as output:
            # Python ignores SIGXFSZ, and so shall the server: it is to see the error, as with a disk that is full.
            self._child = subprocess.Popen(
                self._command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, restore_signals=False
            )
        wait_until(self._answers)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def restart(self) -> None:
        """SIGKILL and start again."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: it is there and says nothing."""
        if self._child is not None:
            self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._child is not None:
            self._child.send_signal(signal.SIGCONT)


class MariaDb(Server):
    """MariaDB with a durable log, on loopback."""

    def __init__(self, directory: Path) -> None:
        self.socket, self.port, self._root_port = directory / "mysql.sock", free_port(), free_port()
        where = install_mariadb(directory)
        listen = [f"--socket={self.socket}", f"--port={self.port}", "--bind-address=127.0.0.1"]
        # Connections of their own for root, who has to undo a fault however many the product holds and asks for.
        listen += [f"--extra-port={self._root_port}", "--extra-max-connections=10"]
        # All tables in one file that grows by little: whoever keeps it from growing has filled the disk.
        listen += ["--innodb-file-per-table=0", "--innodb-autoextend-increment=1"]
        self._tables = directory / "mysql" / "ibdata1"
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        command = [program, *MARIADB_OPTIONS, "--innodb-flush-log-at-trx-commit=1", *where, *listen]
        super().__init__([*command, f"--pid-file={directory / 'pid'}"], directory / "mariadb.log", self._answer)

    @property
    def url(self) -> str:
        """Return where the product finds it."""
        return self.url_at(self.port)

    @staticmethod
    def url_at(port: int) -> str:
        """The same database behind another port, such as a proxy's."""
        return f"mysql+pymysql://onecert:onecert@127.0.0.1:{port}/onecert?charset=utf8mb4"

    def create(self) -> None:
        """Make the empty database and its user."""
        self.run("CREATE DATABASE onecert CHARACTER SET utf8mb4")
        self.run("CREATE USER onecert@'127.0.0.1' IDENTIFIED BY 'onecert'")
        # Not SUPER: who has it writes to a database that is read-only.
        self.run("GRANT ALL ON onecert.* TO onecert@'127.0.0.1'")

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """One statement as root."""
        with self.root() as root, root.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def root(self, database: str | None = None) -> pymysql.connections.Connection[Any]:
        """A connection of the test's own, through the port that is kept for it."""
        return pymysql.connect(host="127.0.0.1", port=self._root_port, user="root", database=database, autocommit=True)

    def kill_connections(self) -> None:
        """End every connection of the product."""
        with self.root() as root, root.cursor() as cursor:
            cursor.execute("SHOW PROCESSLIST")
            for number, user, *_ in cursor.fetchall():
                if user == "onecert":
                    with contextlib.suppress(pymysql.MySQLError):  # it may have ended by itself
                        cursor.execute(f"KILL {number}")

    def dump(self) -> bytes:
        """A backup of the product's database at one moment, while it is worked on."""
        return self._client("mariadb-dump", "--single-transaction", "onecert")

    def load(self, backup: bytes) -> None:
        """Put the database back to where a backup has it."""
        self.run("DROP DATABASE onecert")
        self.run("CREATE DATABASE onecert CHARACTER SET utf8mb4")
        self._client("mariadb", "onecert", told=backup)

    def _client(self, program: str, *words: str, told: bytes = b"") -> bytes:
        where = ["--no-defaults", f"--port={self._root_port}", "--host=127.0.0.1", "--user=root"]
        done = subprocess.run([program, *where, *words], input=told, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """In the block its disk is full: the file of all tables may not grow, and ballast lies where it had room."""
        assert self._child is not None
        self.run("CREATE TABLE onecert.ballast (id INT PRIMARY KEY AUTO_INCREMENT, words LONGBLOB)")
        resource.prlimit(self._child.pid, resource.RLIMIT_FSIZE, (self._tables.stat().st_size, resource.RLIM_INFINITY))
        try:
            for size in (512 * 1024, 64 * 1024, 4096):
                self._load(size)
            yield
        finally:
            resource.prlimit(self._child.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            self.run("DROP TABLE onecert.ballast")

    def _load(self, size: int) -> None:
        try:
            while True:
                self.run(f"INSERT INTO onecert.ballast (words) VALUES (REPEAT('x', {size}))")  # noqa: S608
        except pymysql.OperationalError as error:
            if error.args[0] != TABLE_IS_FULL:
                raise

    def _answer(self) -> bool:
        return mariadb_answers(self.socket)


class RedisServer(Server):
    """Redis on a socket; like the embedded one it may lose everything."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(directory), "--save", ""]
        command = [shutil.which("redis-server") or "redis-server", *options]
        super().__init__([*command, "--appendonly", "no"], directory / "redis.log", lambda: redis_answers(self.socket))

    @property
    def url(self) -> str:
        """Return where the product finds it."""
        return f"unix://{self.socket}"

    def client(self) -> redis.Redis:
        """A client for the test's own words."""
        return redis.Redis(unix_socket_path=str(self.socket))
