"""The commands of this folder, gathered for `app.py`; `onecert metrics` is written here."""

from __future__ import annotations

import click

from config.commands.audit import audit_group
from config.commands.catalogue import config_group
from config.commands.heartbeats import processes
from config.commands.keys import key
from config.commands.terminal import needs_ground
from config.ground import Ground
from config.processes.ports import check_free
from config.processes.serving import begin_process, stop_event
from config.telemetry import metrics


@click.command("metrics")
@needs_ground
def serve_metrics(ground: Ground) -> None:
    """Serve this host's /metrics, where no clock process does."""
    check_free("ONECERT_METRICS_BIND", ground.settings.metrics_bind)
    begin_process(ground.settings, "metrics", ground.settings.metrics_bind)
    stop, stop_metrics = stop_event(), metrics.serve(ground.settings.metrics_bind)
    stop.wait()
    stop_metrics()


COMMANDS = [processes, config_group, key, audit_group, serve_metrics]
