"""The files of deploy/ are read by the programs they are for: promtool, systemd-analyze and nginx."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

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
