"""An example for the help of each command."""

from __future__ import annotations

from typing import Final

import click

EXAMPLES: Final = {
    "account list": "onecert account list --json",
    "account menu diff": "onecert account menu diff gxwbwx",
    "account menu push": "onecert account menu push gxwbwx --dry-run",
    "account menu show": "onecert account menu show gxwbwx",
    "account push": "onecert account push gxwbwx click ONECERT",
    "account quota": "onecert account quota gxwbwx",
    "account token": "onecert account token gxwbwx",
    "audit list": "onecert audit list --limit 20",
    "audit verify": "onecert audit verify",
    "capacity": "onecert capacity --per-day 10000000 --peak 10 --partners 8",
    "clock": "ONECERT_METRICS_BIND=10.0.0.5:8002 onecert clock",
    "config apply": "onecert config apply catalogue.toml --note 'jd takes 500 at once'",
    "config check": "onecert config check catalogue.toml",
    "config default": "onecert config default > catalogue.toml",
    "config diff": "onecert config diff catalogue.toml",
    "config history": "onecert config history",
    "config rollback": "onecert config rollback 7",
    "config schema": "onecert config schema > catalogue.schema.json",
    "config secret import": "onecert config secret import secrets.toml",
    "config secret list": "onecert config secret list",
    "config secret remove": "onecert config secret remove jd.key.next",
    "config secret set": "onecert config secret set jd.key < jd.key.txt",
    "config show": "onecert config show > catalogue.toml",
    "db status": "onecert db status",
    "db upgrade": "onecert db upgrade --yes",
    "doctor": "onecert doctor --json",
    "gateway": "onecert gateway",
    "init": "onecert init --database-url '' --redis-url '' --public-url https://onecert.example.gov.cn",
    "inquiry find": "echo 13800138000 | onecert inquiry find",
    "inquiry list": "onecert inquiry list --state asking",
    "inquiry nudge": "onecert inquiry nudge 482913057716",
    "inquiry show": "onecert inquiry show 482913057716",
    "key list": "onecert key list",
    "key rewrap": "onecert key rewrap --dry-run",
    "key rotate": "onecert key rotate",
    "message callbacks": "onecert message callbacks aliyun",
    "message links": "onecert message links",
    "message list": "onecert message list --state unknown",
    "message optout list": "onecert message optout list",
    "message optout remove": "echo 13800138000 | onecert message optout remove",
    "message play": "onecert message play 13800138000 TD",
    "message resend": "onecert message resend 019e3b7a5c0012345678901234567890",
    "message show": "onecert message show 019e3b7a5c0012345678901234567890",
    "metrics": "ONECERT_METRICS_BIND=10.0.0.6:8002 onecert metrics",
    "objection close": "onecert objection close 482913057716 --reason 'no answer in 15 working days'",
    "objection find": "echo 13800138000 | onecert objection find",
    "objection list": "onecert objection list --overdue --partner jd",
    "objection remind": "onecert objection remind 482913057716",
    "objection show": "onecert objection show 482913057716",
    "partner check": "onecert partner check jd",
    "partner conformance": "onecert partner conformance http://127.0.0.1:9000 --key-id k1 --secret-file key.txt",
    "partner disable": "onecert partner disable jd",
    "partner enable": "onecert partner enable jd",
    "partner list": "onecert partner list",
    "partner nudge": "onecert partner nudge jd",
    "partner reset": "onecert partner reset jd",
    "person erase": "echo 13800138000 | onecert person erase --yes",
    "person show": "echo 13800138000 | onecert person show",
    "processes": "onecert processes",
    "sandbox": "onecert sandbox",
    "session end": "onecert session end --inquiry 482913057716",
    "stats": "onecert stats --days 30 --csv inquiries > inquiries.csv",
    "up": "onecert up --port 8000 --data ./var",
    "watch list": "onecert watch list",
    "web": "onecert web --processes 2",
    "worker": "onecert worker",
}
"""Each command's words -> a line that can be typed; tests/test_cli_page.py parses each."""


def add_examples(command: click.Command, path: str) -> None:
    """End the help of a command, and of all below it, with its example."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            add_examples(below, f"{path} {name}")
    elif path in EXAMPLES:
        command.epilog = f"Example: {EXAMPLES[path]}"
