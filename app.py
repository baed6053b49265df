"""The `onecert` command. `assembly.py` joins everything that it runs; nobody imports either."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from config.commands.lazy import LazyCommands
from config.commands.version import version_option

COMMANDS = {
    "account": ("wechat.cli", "Official accounts."),
    "audit": ("config.commands.audit", "Show and verify administrators' actions."),
    "capacity": ("query.commands.capacity", "Calculate what a day of so many inquiries needs."),
    "clock": ("assembly", "Sweep every few seconds: whatever stands too long is found here."),
    "config": ("config.commands.catalogue", "The catalogue and its secrets."),
    "db": ("query.commands.db", "The database's schema."),
    "doctor": ("query.cli", "Check that everything here works; exit 1 when something does not."),
    "gateway": ("assembly", "Send owed messages until stopped; what is under way is finished first."),
    "init": ("query.commands.init", "Ask for the settings, and set everything up in this directory."),
    "inquiry": ("query.commands.inquiry", "Show the state of inquiries, never their counts."),
    "key": ("config.commands.keys", "The data keys that seal personal data."),
    "message": ("sms_port.cli", "Messages, their attempts and receipts."),
    "metrics": ("config.cli", "Serve this host's /metrics, where no clock process does."),
    "objection": ("query.commands.objection", "Show the state of objections, never their findings."),
    "partner": ("query.commands.partner", "Enterprises and carriers."),
    "processes": ("config.commands.heartbeats", "List the processes; one that is silent is dead, frozen or cut off."),
    "sandbox": ("assembly", "Play partners, gateway, phone and platforms."),
    "person": ("query.commands.person", "Show and erase what is kept about a number."),
    "session": ("query.commands.session", "End sessions of citizens."),
    "stats": ("query.commands.stats", "Show inquiries and messages by state, and the health of each partner."),
    "up": ("assembly", "Start everything on one machine, with a private Redis if none is set."),
    "watch": ("query.commands.objection", "Show watches: how many there are and how long, never whose."),
    "web": ("assembly", "Serve the pages, the API, the webhook and receipts."),
    "worker": ("assembly", "Run the pipeline's jobs until stopped."),
}
"""Each command: the module that has it in its list COMMANDS, and its line of help."""


@click.group(
    cls=LazyCommands,
    lazy=COMMANDS,
    epilog="Try:  onecert up  |  onecert doctor  |  onecert account push gxwbwx click ONECERT",
)
@version_option
def cli() -> None:
    """一证通查: how many accounts or phone cards are tied to a number, answered by one SMS."""


def __getattr__(name: str) -> Any:
    """`create_app` and `create_sandbox` of `assembly.py`, for WSGI servers that are told `app:create_app()`."""
    if name in ("create_app", "create_sandbox"):
        return getattr(import_module("assembly"), name)
    raise AttributeError(name)
