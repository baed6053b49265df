"""`onecert capacity`: what a day of so many inquiries needs, from the figures measured in docs/capacity.md."""

from math import ceil
from typing import Final

import click

from config.commands.terminal import json_option, print_table

DAY_S: Final = 86_400
WEB_MS: Final = 3.8
"""CPU of a web process for an inquiry: its submission, and as much again for its code, session and pages."""
PIPELINE_MS: Final = 0.40
SMALL_WAVE_MS: Final = 4.0
"""CPU of workers and gateway for an inquiry in full waves, and in waves of a few."""
FULL_WAVES_FROM: Final = 600
"""Inquiries a second from which on waves are full enough to count as such."""
ROWS, LOG_KB, COMMITS, REDIS_COMMANDS = 9.1, 12.7, 2, 7
MEASURED_PARTNERS: Final = 8
PARTS: Final = 4
"""Of an inquiry: one of its code, three of its reply."""
STORED_KB, KEPT_DAYS, ERASURES, ERASED_PER_S = 1.0, 62, 3, 3_800
HOST_CORES, BUSY = 2, 0.6
"""Cores of a host, and the share of them that may be busy in the peak."""
COLUMNS: Final = ("part", "needs", "from")


@click.command()
@click.option("--per-day", type=click.IntRange(1), required=True, help="Inquiries a day.")
@click.option("--peak", type=click.FloatRange(1, 1000), default=2.4, show_default=True, help="Peak over the average.")
@click.option("--partners", type=click.IntRange(1, 100), default=8, show_default=True, help="Enterprises asked.")
@click.option("--price", type=click.FloatRange(0), help="Of an SMS part, in yuan.")
@json_option
def capacity(per_day: int, peak: float, partners: int, price: float | None, as_json: bool) -> None:
    """Calculate hosts, database, disk and SMS for a day of so many inquiries. Needs no database.

    The figures behind it were measured on two cores (docs/capacity.md); what is calculated was not run.
    """
    rows = [
        {"part": part, "needs": needs, "from": source} for part, needs, source in calculate(per_day, peak, partners)
    ]
    if price is not None:
        cost = per_day * PARTS * price
        rows.append({"part": "SMS cost", "needs": f"{cost:,.0f} yuan a day", "from": f"{PARTS} parts x {price:g}"})
    print_table(rows, COLUMNS, as_json)


def calculate(per_day: int, peak: float, partners: int) -> list[tuple[str, str, str]]:
    """Return (part, what it needs in the peak, the arithmetic). Pure."""
    average = per_day / DAY_S
    rate = average * peak
    share = partners / MEASURED_PARTNERS
    pipeline_ms = PIPELINE_MS if rate >= FULL_WAVES_FROM else SMALL_WAVE_MS
    web, work = rate * WEB_MS / 1000, rate * pipeline_ms * share / 1000
    erasing = average * ERASURES / ERASED_PER_S
    stored_gb = per_day * STORED_KB * KEPT_DAYS / 1e6
    return [
        ("arrivals", f"{rate:,.0f} a second", f"{per_day:,} a day / {DAY_S} s x {peak:g}"),
        ("web", _hosts(web), f"{rate:,.0f}/s x {WEB_MS} ms"),
        ("workers and gateway", _hosts(work), f"{rate:,.0f}/s x {pipeline_ms} ms x {partners}/{MEASURED_PARTNERS}"),
        ("database writes", f"{rate * ROWS * share:,.0f} rows a second", f"{ROWS} rows an inquiry"),
        ("database log", f"{rate * LOG_KB * share / 1000:,.1f} MB a second", f"{LOG_KB} KB an inquiry"),
        ("database commits", f"{rate * COMMITS:,.0f} a second", "a code and a submission; fewer when they share"),
        ("database disk", f"{stored_gb:,.0f} GB", f"{STORED_KB:g} KB an inquiry, kept {KEPT_DAYS} days"),
        ("erasure", f"{erasing:.0%} of one clock", f"{ERASURES} an inquiry, {ERASED_PER_S:,} rows a second"),
        ("Redis", f"{rate * REDIS_COMMANDS:,.0f} commands a second", f"{REDIS_COMMANDS} an inquiry"),
        ("SMS", f"{rate * PARTS:,.0f} parts a second", f"{PARTS} parts an inquiry; ask the gateways first"),
        ("each partner", f"{rate:,.0f} items a second", "one an inquiry, up to 500 in a call"),
    ]


def _hosts(cores: float) -> str:
    number = ceil(cores / (HOST_CORES * BUSY))
    return f"{cores:.1f} cores: {number} host{'s' * (number > 1)} of {HOST_CORES}, and one spare"


COMMANDS = [capacity]
