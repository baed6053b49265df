"""npm's SMPP server on loopback, in a process of its own, told what to do and telling what it hears."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.catalogue.links import Link as LinkEntry
from config.db.engine import begin
from config.ground import Ground
from tests.support.servers import wait_until

SERVER = Path(__file__).parent / "smpp_server"
ENTRY = """
[[links]]
code = "abroad"
driver = "smpp"
url = "smpp://127.0.0.1:{port}"
key_id = "onecert-abroad"
account = "onecert"
port_number = "10699000"
signature_mode = "ours"
batch_size = 200
max_parts = 8
lanes = ["code", "reply"]
enabled = true
preference = 9
connect_s = {connect_s}
read_s = {read_s}
total_s = {total_s}
window = {window}
parts_per_second = {parts_per_second}
extension_digits = {extension_digits}
idle_s = {idle_s}


# Limits -"""


@dataclass
class SmppServer:
    """A running server and what it has told."""

    child: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)

    def order(self, **orders: object) -> None:
        """Have it do something from now on; back when it knows."""
        assert self.child.stdin
        before = len(self._read("ordered"))
        self.child.stdin.write(json.dumps(orders) + "\n")
        self.child.stdin.flush()
        wait_until(lambda: len(self._read("ordered")) > before)

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return what it has told of one kind until now, all of it: on its way to us it keeps its order."""
        self.order()
        return self._read(event)

    def _read(self, event: str) -> list[dict[str, Any]]:
        return [one for one in list(self.events) if one["event"] == event]

    def listen(self) -> None:
        """Remember every line until it ends."""
        for line in self.child.stdout or ():
            self.events.append(json.loads(line))


@contextlib.contextmanager
def run_smpp_server() -> Iterator[SmppServer]:
    """A server that lets `onecert` in with the password `sesame`."""
    command = [shutil.which("node") or "node", str(SERVER / "server.js")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        server = SmppServer(child)
        events = threading.Thread(target=server.listen)
        events.start()
        try:
            wait_until(lambda: server.told("listening"))
            yield server
        finally:
            child.kill()
            events.join()


def use_smpp(ground: Ground, server: SmppServer, **more: object) -> LinkEntry:
    """Add a link to that server to the catalogue, with its password."""
    values: dict[str, object] = {"connect_s": 30, "read_s": 60, "total_s": 75, "window": 10, "parts_per_second": 1000}
    values |= {
        "secret": "sesame",
        "extension_digits": 0,
        "idle_s": 180,
        "port": server.told("listening")[0]["port"],
    } | more
    document = ground.catalogues.document().replace("\n\n# Limits -", ENTRY.format(**values), 1)
    now = ground.clock.now()
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "test", "test", now)
        ground.secrets.set(db, "abroad.key", str(values["secret"]), now)
    ground.secrets.forget()
    entry = ground.catalogues.current().link("abroad")
    assert entry is not None
    return entry
