import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.telemetry.log import MASK, configure_logging, get_logger, mask


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    "personal",
    [
        "13800138000",
        "8613800138000",
        "+8613800138000",
        "138 0013 8000",
        "138-0013-8000",
        "１３８００１３８０００",
        "11010519491231002X",
        "110105194912310021",
        "110105491231002",
        "31002X",
        "31002x",
        "123456",
    ],
)
@pytest.mark.parametrize("around", ["{}", "phone={}", "手机号码{}的", "a {}.", '{{"phone": "{}"}}', "?phone={}&x"])
def test_whatever_looks_like_personal_data_is_masked(personal: Any, around: Any) -> None:
    masked = mask(around.format(personal))
    assert MASK in masked
    assert personal not in masked


def test_any_random_phone_is_masked_even_when_glued_to_letters() -> None:
    for _ in range(1000):
        phone = f"1{3 + secrets.randbelow(7)}{secrets.randbelow(10**9):09d}"
        assert phone not in mask(f"tel{phone}x")


@pytest.mark.parametrize(
    "harmless", ["123456789012", "1795327500000", "10699000", "2026-11-22T06:05:00Z", "500", "a1b2c3d4e5", "10.0.0.12"]
)
def test_references_times_and_port_numbers_stay(harmless: Any) -> None:
    assert mask(f"x {harmless} y") == f"x {harmless} y"


def test_an_id_of_a_message_stays_whole_whatever_digits_it_holds() -> None:
    name = "ab13800138000cdef0123456789abcde"
    assert mask(f"resend {name}-1") == f"resend {name}-1"
    assert MASK in mask(name[:-1])
    assert MASK in mask(name + "f")


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    get_logger("config.test").info("wave_asked", partner="tencent", items=500)
    (line,) = lines(capsys)
    assert line["event"] == "wave_asked"
    assert (line["partner"], line["items"], line["level"], line["logger"]) == ("tencent", 500, "info", "config.test")


def test_values_of_every_kind_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    get_logger("t").info("x", number=13800138000, inner={"list": ["13800138000"]}, raw=b"13800138000", ok=True, n=None)
    text = json.dumps(lines(capsys))
    assert "13800138000" not in text
    assert "11 bytes" in text


def test_an_exception_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    try:
        raise ValueError("no such phone: 13800138000")
    except ValueError:
        get_logger("t").exception("broken")
    (line,) = lines(capsys)
    assert "no such phone: [masked]" in str(line["exception"])
    assert "13800138000" not in json.dumps(line)


def test_libraries_go_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("other.package").warning("call to %s failed", "13800138000")
    (line,) = lines(capsys)
    assert line["event"] == "call to [masked] failed"
    assert line["logger"] == "other.package"


def test_chatty_libraries_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    for name in ("urllib3.connectionpool", "rq.worker", "werkzeug"):
        logging.getLogger(name).info("GET /v1/lookups")
    assert lines(capsys) == []


def test_a_level_below_the_setting_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    get_logger("t").info("quiet")
    assert lines(capsys) == []
