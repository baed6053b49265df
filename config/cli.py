"""`onecert metrics`. The other commands of this folder are in `config/commands/`."""

from __future__ import annotations

import click

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


COMMANDS = [serve_metrics]
