"""Joins everything: the web application, the sandbox, and the `onecert` command. Nobody imports it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import click
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import config.cli
import config.health
import config.sandbox
import config.up
import enterprises.cli
import enterprises.sandbox
import enterprises.views
import miniprogram_api.sandbox
import miniprogram_api.views
import query.cli
import sms_port.cli
import sms_port.gateway
import sms_port.ledger
import sms_port.sandbox
import sms_port.views
import wechat.cli
import wechat.pages
import wechat.sandbox
import wechat.views
from config import metrics
from config.errors import OneCertError
from config.ground import Ground, load_ground
from config.serving import begin_process, serve, until_stopped, whole
from config.terminal import Commands, needs_ground
from config.worker import make_worker
from miniprogram_api.door import Door
from miniprogram_api.problems import http_problem_response, problem_response
from query.called_back import record_called_back
from query.closing import record_outcome
from query.pipeline import JOBS, linger_s
from query.schema import upgrade
from query.sweep import sweep
from wechat import notices
from wechat.headers import add_headers
from wechat.refusals import receive_strays

SWEEP_S = 2.0


def create_app(ground: Ground | None = None) -> Flask:
    """The pages, the API, the webhook and the receipts."""
    ground = ground or load_ground()
    app = Flask("onecert", static_folder=None)
    app.wsgi_app = add_headers(whole(app.wsgi_app))  # type: ignore[assignment,method-assign]
    door = Door(ground, partial(notices.owe, ground))
    app.register_blueprint(wechat.pages.make_blueprint(ground, door))
    app.register_blueprint(wechat.views.make_blueprint(ground))
    app.register_blueprint(miniprogram_api.views.make_blueprint(ground, door))
    app.register_blueprint(sms_port.views.make_blueprint(ground, closing(ground)))
    app.register_blueprint(enterprises.views.make_blueprint(ground, partial(record_called_back, ground)))
    receive_strays(app, ground, http_problem_response)
    if proxies := ground.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    return _with_health_and_problems(app, ground)


def create_sandbox(ground: Ground | None = None) -> Flask:
    """The other side of every protocol we speak, in one process: partners, gateway, phone, platforms."""
    ground = ground or load_ground()
    app = Flask("sandbox", static_folder=None)
    behaviour = config.sandbox.Behaviour(ground.catalogues.current)
    app.register_blueprint(config.sandbox.make_blueprint(behaviour))
    for side in (enterprises.sandbox, sms_port.sandbox, wechat.sandbox, miniprogram_api.sandbox):
        app.register_blueprint(side.make_blueprint(ground, behaviour))
    sms_port.sandbox.listen_for_cmpp(app)
    return _with_health_and_problems(app, ground)


def closing(ground: Ground) -> sms_port.ledger.OnOutcome:
    """What the SMS port calls, in its own transaction, when it knows what became of messages."""
    return lambda db, outcomes: record_outcome(db, ground, outcomes)


def _with_health_and_problems(app: Flask, ground: Ground) -> Flask:
    app.register_blueprint(config.health.make_blueprint(ground))
    app.register_error_handler(OneCertError, problem_response)
    app.register_error_handler(HTTPException, http_problem_response)
    return app


@click.group(cls=Commands)
@click.version_option(package_name="onecert")
def cli() -> None:
    """一证通查: how many accounts or phone cards are tied to a number, answered by one SMS."""


folders = (config.cli, query.cli, enterprises.cli, sms_port.cli, wechat.cli)
for command in [config.up.make_command(upgrade), *(command for folder in folders for command in folder.COMMANDS)]:
    cli.add_command(command)


@cli.command()
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 256), help="One for each core of a web host."
)
@needs_ground
def web(ground: Ground, processes: int) -> None:
    """Serve the pages, the API, the webhook and receipts."""
    begin_process(ground.settings)
    serve(create_app, ground.settings.bind, processes)


@cli.command()
@needs_ground
def sandbox(ground: Ground) -> None:
    """Play partners, gateway, phone and platforms."""
    serve(create_sandbox, ground.settings.sandbox_bind)


@cli.command()
@needs_ground
def worker(ground: Ground) -> None:
    """Run the pipeline's jobs until stopped."""
    begin_process(ground.settings)
    jobs = {name: partial(job, ground) for name, job in {**JOBS, **notices.JOBS}.items()}
    make_worker(ground.redis, jobs, linger_s).work()


@cli.command()
@needs_ground
def gateway(ground: Ground) -> None:
    """Send owed messages until stopped; what is under way is finished first."""
    begin_process(ground.settings)
    sms_port.gateway.run(ground, closing(ground), until_stopped())


@cli.command()
@needs_ground
def clock(ground: Ground) -> None:
    """Sweep every few seconds: whatever stands too long is found here. Serves this host's /metrics."""
    begin_process(ground.settings)
    stop, stop_metrics = until_stopped(), metrics.serve(ground.settings.metrics_bind)
    while not stop.wait(SWEEP_S):
        sweep(ground)
        with suppress(OneCertError):  # said in the log by whoever raised it; the next turn comes soon
            sms_port.ledger.sweep(ground, closing(ground))
    stop_metrics()
