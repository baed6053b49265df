"""The files of deploy/ are read by the programs they are for: promtool, systemd-analyze and nginx."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import Metric

from config.telemetry import metrics
from tests.conftest import need

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_every_alert_fires_in_prometheus_own_rule_engine() -> None:
    need("promtool")
    rules = (DEPLOY / "prometheus/rules.yml").read_text()
    played = (DEPLOY / "prometheus/rules_test.yml").read_text()
    for alert in re.findall(r"alert: (\w+)", rules):
        assert re.search(rf"alertname: {alert}\b", played), f"{alert} is never played"
    done = run("promtool", "test", "rules", DEPLOY / "prometheus/rules_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_section_in_the_runbook_and_every_metric_exists() -> None:
    rules = (DEPLOY / "prometheus/rules.yml").read_text()
    runbook = (ROOT / "docs/runbook.md").read_text()
    source = (ROOT / "config/telemetry/metrics.py").read_text()
    for alert in re.findall(r"alert: (\w+)", rules):
        assert f"## {alert}\n" in runbook, alert
    for metric in set(re.findall(r"onecert_[a-z_]+", rules)):
        assert re.sub(r"_(total|bucket|count|sum)$", "", metric) in source, metric


def test_the_dashboard_asks_for_metrics_that_exist_in_promql(tmp_path: Path) -> None:
    board = json.loads((DEPLOY / "grafana/onecert.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    made = [metric for metric in metrics.Metrics().registry.collect()]
    known = {name for metric in made for name in _samples(metric)}
    for expression in asked:
        assert set(re.findall(r"onecert_[a-z_]+", expression)) <= known, expression
    shown = {name for expression in asked for name in re.findall(r"onecert_[a-z_]+", expression)}
    assert {metric.name for metric in made if not shown & _samples(metric)} == set()
    need("promtool")
    rules = [{"record": f"board:{number}", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "board.json"
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
    done = run("promtool", "check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_shell_reads_the_settings_as_systemd_does() -> None:
    """The install page has both: an `&` without quotes would end the value in a shell."""
    script = f'set -a; . {DEPLOY / "onecert.env.example"}; printf %s "$ONECERT_DATABASE_URL"'
    done = run("sh", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("&ssl_ca=/etc/ssl/certs/ca-certificates.crt")


def test_no_panel_covers_another() -> None:
    board = json.loads((DEPLOY / "grafana/onecert.json").read_text())
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        x, y, w, h = (panel["gridPos"][side] for side in "xywh")
        mine = {(x + right, y + down) for right in range(w) for down in range(h)}
        assert x + w <= 24 and not cells & mine, panel["title"]
        cells |= mine


def test_the_guide_tells_every_metric() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    assert [metric.name for metric in metrics.Metrics().registry.collect() if metric.name not in guide] == []


def _samples(metric: Metric) -> set[str]:
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}[metric.type]
    return {metric.name + suffix for suffix in suffixes}


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_a_unit_is_valid_and_hardened(unit: Path, tmp_path: Path) -> None:
    need("systemd-analyze")
    program = tmp_path / "onecert"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    here = tmp_path / unit.name.replace("@", "@1")
    here.write_text(unit.read_text().replace("/opt/onecert/bin/onecert", str(program)))
    done = run("systemd-analyze", "verify", "--man=no", here)
    said = [line for line in done.stderr.splitlines() if unit.stem.split("@")[0] in line]
    assert not said, done.stderr
    rated = run("systemd-analyze", "security", "--offline=true", here)
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", rated.stdout)
    assert exposure, rated.stdout[-500:] + rated.stderr
    assert float(exposure[1]) < 2.5, exposure[0]


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    need("nginx")
    text = (DEPLOY / "nginx/onecert.conf").read_text()
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
        "-days", "2", "-subj", "/CN=onecert.example.gov.cn")  # fmt: skip
    text = text.replace("/etc/ssl/onecert", str(tmp_path)).replace("/var/log/nginx", str(tmp_path))
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid; error_log {tmp_path}/error; events {{}} http {{ {text} }}")
    done = run(shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx", "-t", "-c", main, "-p", tmp_path)
    assert done.returncode == 0, done.stderr
