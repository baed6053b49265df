"""The samples of the API docs, run as they stand by curl, Node and Java against a running instance."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from miniprogram_api.contract.openapi import build_document
from miniprogram_api.contract.operations import OPERATIONS
from tests.conftest import need
from tests.support.instances import Citizen, Instance

JAVA = """import java.net.URI;
import java.net.http.*;
class Sample {{
  public static void main(String[] given) throws Exception {{
    String token = System.getenv("TOKEN");
{}
  }}
}}
"""


def run(directory: Path, language: str, source: str, token: str) -> str:
    """Return what a sample prints, with the token that its reader would have filled in."""
    if language == "curl":
        command = ["bash", "-c", source]
    elif language == "JavaScript":
        (directory / "sample.mjs").write_text(f"const token = process.env.TOKEN;\n{source}\n")
        command = ["node", "sample.mjs"]
    else:
        blocks = "".join(f"    {line}\n" for line in source.splitlines())
        (directory / "Sample.java").write_text(JAVA.format(blocks))
        command = ["java", "-XX:TieredStopAtLevel=1", "Sample.java"]
    environment = os.environ | {"TOKEN": token}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def sample(instance: Instance, name: str, language: str) -> str:
    operations: list[dict[str, Any]] = [
        operation for methods in build_document(instance.url)["paths"].values() for operation in methods.values()
    ]
    found = next(operation for operation in operations if operation["operationId"] == name)
    return next(str(it["source"]) for it in found["x-codeSamples"] if it["lang"] == language)


@pytest.mark.parametrize("language", ["curl", "JavaScript", "Java"])
def test_the_samples_do_what_they_say(instance: Instance, tmp_path: Path, language: str) -> None:
    program = {"curl": "curl", "JavaScript": "node", "Java": "java"}[language]
    if language == "Java" and shutil.which("java") is None:
        pytest.skip("no Java here: its samples are not run")
    need(program)
    token = str(Citizen(instance, "13500000001").http.headers["Authorization"]).removeprefix("Bearer ")
    answers = {
        "open_session": "token",
        "list_services": "reply_within",
        "submit": "code_",
        "show_progress": "not_found",
    }
    for name, told in answers.items():
        assert told in run(tmp_path, language, sample(instance, name, language), token), name


def test_every_call_has_a_sample_in_each_language() -> None:
    for methods in build_document()["paths"].values():
        for operation in methods.values():
            assert [it["lang"] for it in operation["x-codeSamples"]] == ["curl", "JavaScript", "Java"]
    assert all("Bearer " in sample_of(operation.name) for operation in OPERATIONS if operation.session)


def sample_of(name: str) -> str:
    operations = [it for methods in build_document()["paths"].values() for it in methods.values()]
    return str(next(it for it in operations if it["operationId"] == name)["x-codeSamples"])
