"""`make audit` without a network: which versions an export of OSV's advisories is about."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).parents[2]
_loader = SourceFileLoader("audit_script", str(ROOT / ".ci" / "audit"))
_spec = importlib.util.spec_from_loader("audit_script", _loader)
assert _spec
audit = importlib.util.module_from_spec(_spec)
_loader.exec_module(audit)


def advisory(name: str = "Some_Package", versions: tuple[str, ...] = (), **events: str) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": [{word: version} for word, version in events.items()]}] if events else []
    package = {"ecosystem": "PyPI", "name": name}
    affected = [{"package": package, "versions": list(versions), "ranges": ranges}]
    return {"id": "GHSA-1", "modified": "2026-11-20T00:00:00Z", "summary": "s", "affected": affected}


@pytest.mark.parametrize(
    ("told", "version", "affected"),
    [
        (advisory(versions=("1.0", "1.1")), "1.1", True),
        (advisory(versions=("1.0", "1.1")), "1.2", False),
        (advisory(introduced="0", fixed="2.0"), "1.9", True),
        (advisory(introduced="0", fixed="2.0"), "2.0", False),
        (advisory(introduced="1.5", last_affected="1.7"), "1.7", True),
        (advisory(introduced="1.5", last_affected="1.7"), "1.10", False),
        (advisory(introduced="1.5"), "1.4", False),
        (advisory(introduced="0", fixed="not-a-version"), "1.0", True),
        (advisory(name="other", introduced="0"), "1.0", False),
        ({"id": "x"}, "1.0", False),
    ],
)
def test_a_version_is_affected_as_the_advisory_says(told: dict[str, Any], version: str, affected: bool) -> None:
    assert audit.affects(told, "some-package", version) is affected


def test_an_export_is_read_from_a_zip_file_and_from_a_directory(tmp_path: Path) -> None:
    (tmp_path / "GHSA-1.json").write_text(json.dumps(advisory()))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as export:
        export.write(tmp_path / "GHSA-1.json", "GHSA-1.json")
    assert list(audit.read_export(tmp_path / "all.zip")) == list(audit.read_export(tmp_path)) == [advisory()]


def test_an_old_or_empty_export_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert round(audit.age_in_days([advisory()], 1_796_083_200)) == 11
    (tmp_path / "old.json").write_text(json.dumps(advisory() | {"modified": "2020-01-01T00:00:00Z"}))
    assert audit.main([str(tmp_path)]) == 1
    assert "fetch a newer export" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert audit.main([str(empty)]) == 1


def test_the_query_is_osvs() -> None:
    server = audit.serve([advisory(introduced="0", fixed="2.0")])
    url = f"http://127.0.0.1:{server.server_port}/v1/query"
    try:
        for version, found in (("1.0", ["GHSA-1"]), ("2.0", [])):
            body = {"package": {"name": "some.package", "ecosystem": "PyPI"}, "version": version}
            told = requests.post(url, data=json.dumps(body), timeout=60).json()
            assert [one["id"] for one in told.get("vulns", [])] == found
    finally:
        server.shutdown()
        server.server_close()


def test_the_locks_of_the_audit_are_all_there_is() -> None:
    assert set(audit.LOCKS) == {path.name for path in ROOT.glob("requirements*.txt")}
