"""The processes of `onecert up`, started so that they can die: `python -m tests.faults.processes DIRECTORY WORKERS`.
With the name of a role in place of the number this process plays that one role.

The real commands run, with three differences: fault points are armed through `DIRECTORY/faults`; the clock is the
database's plus what stands in `DIRECTORY/offset`, so that hours pass in seconds; and whoever dies is back at once.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import app
import assembly
import config.processes.supervisor
from config import failpoints
from config.db.engine import make_engine
from config.ground import Ground, make_ground
from config.processes.serving import serve
from config.processes.supervisor import Child, Supervisor, print_line
from config.settings import load_settings
from config.telemetry.log import configure_logging
from config.times.clock import DatabaseClock
from tests.faults.failpoints import Trigger

BACK_AFTER_S = 0.05
SWEEP_S = 0.25


class Offset:
    """Milliseconds that have been skipped; shared between processes through a file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)

    @property
    def ms(self) -> int:
        return int(struct.unpack_from("<q", self._shared)[0])

    @ms.setter
    def ms(self, value: int) -> None:
        struct.pack_into("<q", self._shared, 0, value)


class SkippingClock:
    """The database's clock, and what the test has skipped."""

    def __init__(self, database: DatabaseClock, offset: Offset) -> None:
        self._database, self._offset = database, offset

    def now(self) -> int:
        """Epoch milliseconds."""
        return self._database.now() + self._offset.ms


def ground_in(directory: Path, environment: Mapping[str, str] = os.environ) -> Ground:
    """A Ground as the environment describes it, with the clock of this directory."""
    settings = load_settings(environment)
    clock = SkippingClock(DatabaseClock(make_engine(settings.database_url)), Offset(directory / "offset"))
    return make_ground(settings, clock=clock)


def play(name: str, directory: Path) -> None:
    """Be one process of the cast."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_level)
    if name == "web":
        serve(lambda: assembly.create_app(ground_in(directory)), settings.bind)
    else:
        app.cli.main([name.split()[0]], obj=ground_in(directory))


def main(directory: Path, workers: int) -> int:
    """Keep the cast playing until a signal."""
    config.processes.supervisor.BACKOFF_S = (BACK_AFTER_S,) * 6
    assembly.SWEEP_S = SWEEP_S
    failpoints.arm(Trigger(directory / "faults").act)
    bind = load_settings(os.environ).bind
    names = ["web", *(f"worker {number}" for number in range(1, workers + 1)), "gateway", "clock"]
    ready = {"web": f"http://{bind}/health/ready"}
    cast = [Child(name, run=partial(play, name, directory), ready=ready.get(name, "")) for name in names]
    return Supervisor(cast, print_line).run()


if __name__ == "__main__":
    folder, word = Path(sys.argv[1]), sys.argv[2]
    sys.exit(main(folder, int(word)) if word.isdigit() else play(word, folder))
