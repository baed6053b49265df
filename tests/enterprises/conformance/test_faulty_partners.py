"""Each check of the conformance run finds the one fault that it is for, and passes a partner that has none."""

from __future__ import annotations

import pytest

from config.catalogue.fields import Bilingual
from config.catalogue.schema import Application
from enterprises.conformance.checks import CHECKS, Check, run_check
from enterprises.conformance.command import stranger
from enterprises.conformance.trial import Trial
from enterprises.protocol import PATH
from tests.enterprises.faulty_partner import KEY_ID, SECRET, SLOW_S, Faulty
from tests.support.servers import free_port, serve

# Told by the tests of what happens without anybody there, and over TLS.
ELSEWHERE = {"address answers", "TLS"}
TIMED = (2 * SLOW_S - 0.1, 60.0)
BY_CALLBACK = {"callback", "202 names the batch", "asked again after 202"}
CARRIERS_ONLY = {"identity for phone cards", "count for phone cards"}
ENTERPRISES_ONLY = {"held_since", "every application"}
# (read_s, wait_s) where the fault is that nothing comes in time; whoever has none is waited for.
HURRIED = {"time of one item": TIMED, "time of the maximum": TIMED, "callback": (60.0, 0.5)}
TWO = tuple(Application(code=code, name=Bilingual(zh=code, en=code)) for code in ("weixin", "qq"))
PLAYED = [
    (kind, check)
    for kind in ("enterprise", "carrier")
    for check in CHECKS
    if check.name not in ELSEWHERE | (CARRIERS_ONLY if kind == "enterprise" else ENTERPRISES_ONLY)
]


def outcome(check: Check, kind: str, fault: str) -> tuple[str, str]:
    """(state, what was seen) of one check against a partner with this fault."""
    listen = f"127.0.0.1:{free_port()}" if check.name in BY_CALLBACK else None
    partner = Faulty(fault, kind, f"http://{listen}/partners/under-test/answers" if listen else "")
    with serve(partner.answer) as url:
        read_s, wait_s = HURRIED.get(fault, (60.0, 60.0))
        agreed = {"kind": kind, "key_id": KEY_ID, "connect_s": 60.0, "read_s": read_s, "total_s": 120.0}
        terms = stranger(url, agreed | ({"applications": TWO} if kind == "enterprise" else {}))
        with Trial(terms, SECRET, listen, wait_s=wait_s) as trial:
            assert trial.url.endswith(PATH)
            result = run_check(check, trial)
    return result.state, result.seen


@pytest.mark.parametrize(("kind", "check"), PLAYED, ids=lambda value: getattr(value, "name", value))
def test_each_check_finds_its_fault_and_nothing_where_there_is_none(kind: str, check: Check) -> None:
    assert outcome(check, kind, "") == ("pass", "")
    state, seen = outcome(check, kind, check.name)
    assert state == "fail"
    assert seen and check.what_to_do


def test_no_check_is_left_out_and_there_are_some_forty() -> None:
    assert {check.name for _, check in PLAYED} | ELSEWHERE == {check.name for check in CHECKS}
    assert len(CHECKS) >= 40
