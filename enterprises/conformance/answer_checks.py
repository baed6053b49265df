"""Checks of answers in `onecert partner conformance`. Each returns, or raises Failed or Skipped."""

from __future__ import annotations

import json
from collections.abc import Callable

from enterprises.conformance.expectations import expect_all_answered, expect_status
from enterprises.conformance.findings import Failed, Skipped
from enterprises.conformance.trial import Asked, Trial, items_of
from enterprises.protocol import MAX_COUNT, VERDICTS
from enterprises.reserved_number import TEST_PHONE


def check_content_type(trial: Trial) -> None:
    """Check that the answer has the agreed content type."""
    answer = trial.ask().answer
    expect_status(answer, 200, 202)
    trial.open_body(answer.headers.get("Content-Type", ""), answer.body)


def check_names_batch(trial: Trial) -> None:
    """Check that the answer names the batch."""
    asked = trial.ask()
    if trial.answer_of(asked).get("batch") != asked.batch:
        raise Failed("the answer names another batch")


def check_only_asked(trial: Trial) -> None:
    """Check that only the asked ids are answered, each once."""
    asked = trial.ask(trial.items(3))
    ids = [item.get("id") for item in items_of(trial.answer_of(asked))]
    if not set(ids) <= set(asked.ids):
        raise Failed("an id was not asked")
    if len(ids) != len(set(ids)):
        raise Failed("an id is answered twice")


def check_one(trial: Trial) -> None:
    """Check that a batch of a single item is answered."""
    expect_all_answered(trial, trial.ask(trial.items(1)))


def check_range(trial: Trial) -> None:
    """Check that counts and verdicts are among the permitted values."""
    for item in items_of(trial.answer_of(trial.ask(trial.items(3)))):
        if trial.partner.kind == "carrier":
            if "verdict" in item and item["verdict"] not in VERDICTS["identity"]:
                raise Failed("a verdict is none of match, mismatch, inactive, not_ours")
        elif any(type(count) is not int or not 0 <= count <= MAX_COUNT for count in item.get("counts", {}).values()):
            raise Failed(f"a count is no integer from 0 to {MAX_COUNT}")


def check_applications(trial: Trial) -> None:
    """Check that every application is counted."""
    if trial.partner.kind == "carrier":
        raise Skipped("carriers count under their own code")
    wanted = {application.code for application in trial.partner.counted}
    for item in items_of(trial.answer_of(trial.ask())):
        if "counts" in item and wanted - set(item["counts"]):
            left_out = ", ".join(sorted(wanted - set(item["counts"])))
            raise Failed(f"{left_out} left out: an application left out is unanswered")


def check_errors(trial: Trial) -> None:
    """Check that errors of items are among the permitted ones."""
    for item in items_of(trial.answer_of(trial.ask(trial.items(3)))):
        if "error" in item and (item["error"] not in ("retry", "refused") or {"counts", "verdict"} & set(item)):
            raise Failed("an error is neither retry nor refused, or stands beside an answer")


def check_no_echo(trial: Trial) -> None:
    """Check that the answer does not repeat the number."""
    if TEST_PHONE in json.dumps(trial.answer_of(trial.ask())):
        raise Failed("the answer repeats the number; ids are enough")


def check_not_compressed(trial: Trial) -> None:
    """Check that the answer is not compressed unasked."""
    if trial.ask().answer.headers.get("Content-Encoding", "identity") != "identity":
        raise Failed("the answer is compressed, which was not asked for")


def check_fast(count: Callable[[Trial], int]) -> Callable[[Trial], None]:
    """Check that an answer takes at most half of the agreed time."""

    def check(trial: Trial) -> None:
        seconds = trial.ask(trial.items(count(trial))).seconds
        if seconds > trial.partner.read_s / 2:
            raise Failed(f"took {seconds:.1f} s of {trial.partner.read_s:g} s")

    return check


def _later(trial: Trial) -> Asked:
    asked = trial.ask()
    if asked.answer.status != 202:
        raise Skipped("it answers at once")
    return asked


def check_called_back(trial: Trial) -> None:
    """Check that answers announced by a 202 are called back, signed."""
    expect_all_answered(trial, _later(trial))
    if trial.callbacks and trial.callbacks.faults:
        raise Failed(trial.callbacks.faults[0])


def check_names_batch_later(trial: Trial) -> None:
    """Check that a 202 names the batch."""
    asked = _later(trial)
    acknowledged = json.loads(trial.open_body(asked.answer.headers.get("Content-Type", ""), asked.answer.body))
    if acknowledged.get("batch") != asked.batch:
        raise Failed("the 202 names another batch")


def check_again_after_202(trial: Trial) -> None:
    """Check that an item may be asked again after a 202."""
    items = trial.items()
    if trial.ask(items).answer.status != 202:
        raise Skipped("it answers at once")
    expect_all_answered(trial, trial.ask(items))
