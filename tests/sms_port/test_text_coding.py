"""Texts of citizens in every coding that gateways use: I rows of the collection, and variants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_port.text_coding import Segment, decode_text, join_segments, split_header

TD_BE, TD_LE, STOP = "TD".encode("utf-16-be"), "TD".encode("utf-16-le"), "退订"


@pytest.mark.parametrize(
    ("content", "coding", "text"),
    [
        pytest.param(TD_BE, 8, "TD", id="I01 UCS-2"),
        pytest.param(b"\xfe\xff" + TD_BE, 8, "TD", id="I02 byte order mark, vumi#812"),
        pytest.param(b"\xff\xfe" + TD_LE, 8, "TD", id="I03 little endian with mark, smppjs#51"),
        pytest.param(TD_LE, 8, "TD", id="variant: little endian without mark"),
        pytest.param("我要退订。".encode("utf-16-le"), 8, "我要退订。", id="variant: Chinese, little endian"),
        pytest.param(TD_BE + b"\0\0", 8, "TD", id="I04 NUL, SMSGate isAddZeroByte; praekelt#7"),
        pytest.param(TD_BE + b"\0", 8, "TD", id="variant: one byte NUL"),
        pytest.param(b"TD\0", 0, "TD", id="I05 NUL at the end, ASCII"),
        pytest.param(b"TD", 0, "TD", id="I06 ASCII"),
        pytest.param(STOP.encode("gbk"), 15, STOP, id="I07 GBK, coding 15, sgip1.2#3"),
        pytest.param(STOP.encode("gbk"), 0, STOP, id="I08 GBK, coding 0"),
        pytest.param(TD_BE, 0x19, "TD", id="I09 UCS-2 with message class, SMSGate SmsDcs"),
        pytest.param(TD_BE, 0x18, "TD", id="I10 flash UCS-2"),
        pytest.param(TD_BE, 9, "TD", id="I11 coding 9"),
        pytest.param(b"TD", 4, "TD", id="I12 binary"),
        pytest.param(b"TD", 0x10, "TD", id="I13 GSM class 0"),
        pytest.param(b"TD", 0xF1, "TD", id="I14 GSM 1111xxxx"),
        pytest.param(b"TD", 3, "TD", id="I15 Latin-1"),
        pytest.param(STOP.encode("utf-8"), 0, STOP, id="variant: UTF-8, coding 0"),
        pytest.param(b"\xef\xbb\xbfTD", 0, "TD", id="variant: UTF-8 with mark"),
        pytest.param(TD_BE, 0, "TD", id="variant: UCS-2 under coding 0"),
        pytest.param(TD_BE, 15, "TD", id="variant: UCS-2 under coding 15"),
        pytest.param(b"TD", 8, "TD", id="variant: ASCII under coding 8, node-smpp#68"),
        pytest.param(b"TDD", 8, "TDD", id="variant: ASCII of odd length under coding 8"),
        pytest.param(b"CANCEL", 8, "CANCEL", id="variant: a longer word of even length under coding 8"),
        pytest.param(b"please stop it", 8, "please stop it", id="variant: several words under coding 8"),
        pytest.param(b"I want to stop.\r\n", 9, "I want to stop.\r\n", id="variant: a sentence under coding 9"),
        pytest.param(STOP.encode("utf-16-be"), 0x1B, STOP, id="variant: message class 3"),
        pytest.param(STOP.encode("utf-16-be"), 0xE0, STOP, id="variant: message waiting"),
        pytest.param(STOP.encode("gbk"), 4, STOP, id="variant: GBK, binary"),
        pytest.param(STOP.encode("gbk"), 0xF4, STOP, id="variant: GBK, 8 bit"),
        pytest.param("😀退订".encode("utf-16-be"), 8, "😀退订", id="variant: outside the BMP"),
        pytest.param("你好，中国！".encode("utf-16-be"), 8, "你好，中国！", id="variant: punctuation"),
        pytest.param(b"", 8, "", id="variant: nothing"),
    ],
)
def test_a_text_is_read_in_every_coding(content: bytes, coding: int, text: str) -> None:
    assert decode_text(content, coding) == text


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=3, max_size=70))
def test_chinese_in_ucs2_stays_what_it_is(text: str) -> None:
    assert decode_text(text.encode("utf-16-be"), 8) == text


@given(st.binary(max_size=160), st.integers(0, 255))
def test_no_bytes_raise_anything(content: bytes, coding: int) -> None:
    decode_text(content, coding)
    split_header(content)


@pytest.mark.parametrize(
    ("content", "rest", "segment"),
    [
        pytest.param(b"\5\0\3\x2a\3\3T", b"T", Segment(42, 3, 3), id="U01 8 bit reference"),
        pytest.param(b"\6\x08\4\1\2\2\2T", b"T", Segment(258, 2, 2), id="U02 16 bit reference"),
        pytest.param(b"\5\0\3\1\1\1TD", b"TD", None, id="U04 one of one, node-smpp#72"),
        pytest.param(b"\x30\0T", b"", None, id="U05 longer than the content"),
        pytest.param(b"\x0a\x24\1\0\x24\1\0\0\3\1\2\1x", b"\1x", None, id="variant: other elements, cut"),
        pytest.param(b"\x08\x24\1\0\0\3\1\2\1x", b"x", Segment(1, 2, 1), id="variant: another element before"),
        pytest.param(b"\5\0\3\1\2\3T", b"T", None, id="variant: number above total"),
        pytest.param(b"\5\0\3\1\2\0T", b"T", None, id="variant: number 0"),
        pytest.param(b"\0TD", b"TD", None, id="variant: empty header"),
    ],
)
def test_a_user_data_header_is_taken_off(content: bytes, rest: bytes, segment: Segment | None) -> None:
    assert split_header(content) == (rest, segment)


def test_a_character_cut_between_two_segments_is_joined() -> None:
    halves = ["😀".encode("utf-16-be")[:2], "😀".encode("utf-16-be")[2:]]
    assert join_segments([decode_text(half, 8) for half in halves]) == "😀"
