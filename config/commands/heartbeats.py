"""`onecert processes`: the processes of this deployment, on all hosts, and when each was last alive."""

from __future__ import annotations

import click

from config.commands.terminal import json_option, needs_ground, print_table
from config.ground import Ground
from config.processes.heartbeats import read_processes
from config.times.formats import rfc3339

COLUMNS = ("role", "host", "pid", "release", "address", "started", "seen", "state")


@click.command()
@json_option
@needs_ground
def processes(ground: Ground, as_json: bool) -> None:
    """List the web, worker, gateway and clock processes; `silent` means dead, frozen or cut off for 20 s."""
    rows = [
        {
            "role": one.role,
            "host": one.host,
            "pid": one.pid,
            "release": one.release,
            "address": one.public_url if one.role == "web" else None,
            "started": rfc3339(one.started_at),
            "seen": rfc3339(one.seen_at),
            "state": "alive" if one.alive else "silent",
        }
        for one in read_processes(ground)
    ]
    print_table(rows, COLUMNS, as_json)


COMMANDS = [processes]
