"""Joins everything: the web application, the sandbox, and the commands that run them. Only `app.py` loads it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import click
from flask import Flask
from werkzeug.exceptions import HTTPException

import enterprises.views
import miniprogram_api.views
import sms_port.views
import wechat.sandbox
from config.commands import up
from config.commands.terminal import needs_ground
from config.errors import OneCertError
from config.ground import Ground, load_ground
from config.processes import health
from config.processes.heartbeats import Heartbeat, heartbeat
from config.processes.layers import admit, wrap
from config.processes.ports import check_free
from config.processes.serving import HEARTBEAT, begin_process, serve, stop_event
from config.queue.worker import make_worker
from config.sandbox import behaviour as switches
from config.sandbox import index
from config.telemetry import metrics
from enterprises.sandbox import partners
from miniprogram_api.contract.problems import http_problem_response, problem_response
from miniprogram_api.logins import logins
from miniprogram_api.sandbox import wechat as applet_platforms
from query.front_door import FrontDoor
from query.schema import upgrade
from query.upkeep.sweep import sweep
from query.wiring import PARTNER_CALLS, make_jobs, record_outcome, record_text
from sms_port.ledger import messages
from sms_port.sandbox import http_gateway
from sms_port.sending import gateway as sender
from wechat.pages import views as pages
from wechat.pages.refusals import receive_strays
from wechat.platform import notices
from wechat.webhook import views as webhook

SWEEP_S = 2.0


def create_app(ground: Ground | None = None) -> Flask:
    """The pages, the API, the webhook and the receipts."""
    ground = ground or load_ground()
    app = Flask("onecert", static_folder=None)
    log_in, read_phone = partial(logins.log_in, ground), partial(logins.read_phone, ground)
    door = FrontDoor(ground, log_in, read_phone, partial(notices.owe, ground))
    app.register_blueprint(pages.make_blueprint(ground, door))
    app.register_blueprint(miniprogram_api.views.make_blueprint(ground, door))
    sms_calls = (partial(record_outcome, ground), partial(record_text, ground))
    app.register_blueprint(sms_port.views.make_blueprint(ground, *sms_calls))
    app.register_blueprint(enterprises.views.make_blueprint(ground, *(partial(call, ground) for call in PARTNER_CALLS)))
    receive_strays(app, ground, http_problem_response)
    wrap(app, ground)
    webhook.install(app, ground)
    admit(app, ground)
    app.extensions[HEARTBEAT] = beat = Heartbeat(ground, "web")
    return _with_health_and_problems(app, ground, beat)


def create_sandbox(ground: Ground | None = None) -> Flask:
    """The other side of every protocol we speak, in one process: partners, gateway, phone, platforms."""
    ground = ground or load_ground()
    app = Flask("sandbox", static_folder=None)
    behaviour = switches.Behaviour(ground.catalogues.current)
    for side in (index, partners, http_gateway, wechat.sandbox, applet_platforms):
        app.register_blueprint(side.make_blueprint(ground, behaviour))
    http_gateway.listen_for_cmpp(app)
    return _with_health_and_problems(app, ground)


def _with_health_and_problems(app: Flask, ground: Ground, beat: Heartbeat | None = None) -> Flask:
    app.register_blueprint(health.make_blueprint(ground, beat))
    app.register_error_handler(OneCertError, problem_response)
    app.register_error_handler(HTTPException, http_problem_response)
    return app


@click.command()
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 256), help="One for each core.")
@needs_ground
def web(ground: Ground, processes: int) -> None:
    """Serve the pages, the API, the webhook and receipts."""
    check_free("ONECERT_BIND", ground.settings.bind)
    begin_process(ground.settings, "web", ground.settings.bind)
    serve(create_app, ground.settings.bind, processes)


@click.command()
@needs_ground
def sandbox(ground: Ground) -> None:
    """Play partners, gateway, phone and platforms."""
    check_free("ONECERT_SANDBOX_BIND", ground.settings.sandbox_bind)
    serve(create_sandbox, ground.settings.sandbox_bind)


@click.command()
@needs_ground
def worker(ground: Ground) -> None:
    """Run the pipeline's jobs until stopped."""
    begin_process(ground.settings, "worker")
    notifying = {name: partial(job, ground) for name, job in notices.JOBS.items()}
    with heartbeat(ground, "worker"):
        make_worker(ground.redis, {**make_jobs(ground), **notifying}).work()


@click.command()
@needs_ground
def gateway(ground: Ground) -> None:
    """Send owed messages until stopped; what is under way is finished first."""
    begin_process(ground.settings, "gateway")
    with heartbeat(ground, "gateway"):
        sender.run(ground, partial(record_outcome, ground), stop_event(), partial(record_text, ground))


@click.command()
@needs_ground
def clock(ground: Ground) -> None:
    """Sweep every few seconds: whatever stands too long is found here. Serves this host's /metrics."""
    check_free("ONECERT_METRICS_BIND", ground.settings.metrics_bind)
    begin_process(ground.settings, "clock", ground.settings.metrics_bind)
    stop, stop_metrics = stop_event(), metrics.serve(ground.settings.metrics_bind)
    with heartbeat(ground, "clock"):
        while not stop.wait(SWEEP_S):
            sweep(ground)
            with suppress(OneCertError):  # in the log already; the next turn comes soon
                messages.sweep(ground, partial(record_outcome, ground))
    stop_metrics()


COMMANDS = [up.make_command(upgrade), web, sandbox, worker, gateway, clock]
