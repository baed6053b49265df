"""`make bench`: every benchmark beside its baseline, one table, and `var/bench.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import (
    alerts,
    bulkhead,
    erasure,
    flood,
    footprint,
    growth,
    intake,
    latency,
    oracle,
    partners,
    pipeline,
    sms,
    webhook,
)

BENCHMARKS = {
    "latency": latency.measure,
    "alerts": alerts.measure,
    "footprint": footprint.measure,
    "pipeline": pipeline.measure,
    "intake": intake.measure,
    "webhook": webhook.measure,
    "growth": growth.measure,
    "sms": sms.measure,
    "partners": partners.measure,
    "bulkhead": bulkhead.measure,
    "erasure": erasure.measure,
    "flood": flood.measure,
    "oracle": oracle.measure,
}
OUTPUT = Path("var/bench.json")


def rows(name: str, figures: dict[str, object], prefix: str = "") -> list[tuple[str, str, str]]:
    """Flatten nested figures to (benchmark, figure, value)."""
    found: list[tuple[str, str, str]] = []
    for key, value in figures.items():
        label = f"{prefix}{key}"
        found += rows(name, value, f"{label} ") if isinstance(value, dict) else [(name, label, str(value))]
    return found


def main(wanted: list[str]) -> None:
    """Run the named benchmarks, or all; figures of those not run stay as they were in the file."""
    if unknown := sorted(set(wanted) - set(BENCHMARKS)):
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    table = Table("benchmark", "figure", "value")
    for name in wanted or BENCHMARKS:
        figures[name] = BENCHMARKS[name]()
        for row in rows(name, figures[name]):
            table.add_row(*row)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=2) + "\n")
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
