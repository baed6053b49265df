"""CMPP frames byte for byte, in both versions and both ways."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_port.errors import FrameInvalid
from sms_port.links.cmpp.codec import HEADER, LONGEST, decode, encode, split_frames
from sms_port.links.cmpp.frames import (
    ACTIVE_TEST,
    ACTIVE_TEST_RESP,
    TERMINATE,
    TERMINATE_RESP,
    V20,
    V30,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Submit,
    SubmitResp,
    UnknownFrame,
    build_answer_authenticators,
    build_authenticator,
)

AUTHENTICATOR = bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16")


def zeros(text: str) -> bytes:
    """A golden frame in which {n} stands for n bytes 00."""
    return bytes.fromhex(re.sub(r"\{(\d+)\}", lambda found: "00" * int(found[1]), text))


TEXT = "【国家服务】测试".encode("utf-16-be")
REPORT_71 = zeros(
    "bb1c914003e9000144454c49565244323631313232303730393236313132323037303938363133383030313338303030{19}00000009"
)
GOLDEN: dict[str, tuple[int, Any, str]] = {
    "connect": (
        0x17,
        Connect("900001", AUTHENTICATOR, V30, 1021080510),
        "00000027000000010000001739303030303190d00c1d517abd0b4f65f6bcf8535d16303cdc73be",
    ),
    "submit": (
        0x18,
        Submit("GOV", "900001", "10699000", "8613800138000", TEXT),
        "000000d30000000400000018{8}01010100474f56{7}02{35}08393030303031303130{39}3130363939303030{13}"
        "0138363133383030313338303030{20}10301056fd5bb6670d52a130116d4b8bd5{20}",
    ),
    "submit_resp": (0x18, SubmitResp(0xBB1C914003E90001, 0), "000000188000000400000018bb1c914003e9000100000000"),
    "report": (
        1,
        Deliver(0xBB1C914003E90002, "10699000", "", "8613800138000", REPORT_71, registered=1, fmt=0),
        "000000b40000000500000001bb1c914003e900023130363939303030{26}38363133383030313338303030{20}0147"
        "bb1c914003e9000144454c49565244323631313232303730393236313132323037303938363133383030313338303030{22}09{20}",
    ),
    "inbound": (
        2,
        Deliver(0xBB1C914003E90003, "10699000", "", "8613800138000", "TD".encode("utf-16-be")),
        "000000710000000500000002bb1c914003e900033130363939303030{25}0838363133383030313338303030{21}0400540044{20}",
    ),
    "deliver_resp": (1, DeliverResp(0xBB1C914003E90002), "000000188000000500000001bb1c914003e9000200000000"),
    "active_test": (5, ACTIVE_TEST, "0000000c0000000800000005"),
    "active_test_resp": (5, ACTIVE_TEST_RESP, "0000000d800000080000000500"),
    "terminate": (6, TERMINATE, "0000000c0000000200000006"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_frame_is_built_and_read_byte_for_byte(name: str) -> None:
    sequence, frame, text = GOLDEN[name]
    assert encode(frame, sequence) == zeros(text)
    assert decode(zeros(text)) == (sequence, frame)


def test_the_golden_submit_has_its_length_and_digest() -> None:
    frame = encode(GOLDEN["submit"][1], 0x18)
    assert len(frame) == 211
    assert hashlib.md5(frame, usedforsecurity=False).hexdigest() == "a406f8f4ca49ec2fe29fcfe05b641ead"


def test_both_sides_prove_themselves() -> None:
    assert build_authenticator("900001", "888888", 1021080510) == AUTHENTICATOR
    proofs = [proof.hex() for proof in build_answer_authenticators(0, AUTHENTICATOR, "888888")]
    assert proofs == ["7942977274098cf210ab0c16c367bc8d", "6c0b846e25bab6daa4ed1c466e0f4bd8"]


def test_the_leading_zero_of_the_month_is_in_the_proof() -> None:
    text = b"900001" + bytes(9) + b"888888" + b"0102030405"
    assert build_authenticator("900001", "888888", 102030405) == hashlib.md5(text, usedforsecurity=False).digest()


def test_the_frames_of_version_2_have_their_own_lengths_and_places() -> None:
    submit = encode(GOLDEN["submit"][1], 1, V20)
    assert len(submit) == 138 + 21 + len(TEXT)
    assert submit[12 + 8 + 4 + 10 + 1 :][:21] == bytes(21), "Fee_terminal_Id"
    assert submit[-8:] == bytes(8)
    assert submit[-8 - len(TEXT) - 1] == len(TEXT)
    assert submit[-8 - len(TEXT) - 1 - 21 :][:13] == b"8613800138000"
    assert len(encode(SubmitResp(1, 8), 1, V20)) == 21
    assert len(encode(DeliverResp(1), 1, V20)) == 21
    assert len(encode(ConnectResp(0, bytes(16), V20), 1, V20)) == 30
    assert len(encode(ConnectResp(0, bytes(16), V30), 1, V30)) == 33
    inbound = encode(GOLDEN["inbound"][1], 1, V20)
    assert len(inbound) == 85 + 4
    assert inbound[54:67] == b"8613800138000"


def octets(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=most)


bytes_8 = st.integers(0, 2**64 - 1)
small = st.integers(0, 255)
FRAMES = st.one_of(
    st.builds(
        Submit,
        service_id=octets(10),
        msg_src=octets(6),
        src_id=octets(21),
        dest=octets(21),
        content=st.binary(max_size=160),
        pk_total=small,
        pk_number=small,
        udhi=small,
        fmt=small,
        registered=small,
        fee_user_type=small,
        fee_type=octets(2),
        fee_code=octets(6),
        valid_time=octets(17),
        at_time=octets(17),
        msg_id=bytes_8,
    ),
    st.builds(
        Deliver,
        msg_id=bytes_8,
        dest_id=octets(21),
        service_id=octets(10),
        src=octets(21),
        content=st.binary(max_size=255),
        registered=small,
        udhi=small,
        fmt=small,
        pid=small,
    ),
    st.builds(SubmitResp, bytes_8, small),
    st.builds(DeliverResp, bytes_8, small),
    st.builds(Connect, octets(6), st.binary(min_size=16, max_size=16), small, st.integers(0, 2**32 - 1)),
    st.builds(ConnectResp, small, st.binary(min_size=16, max_size=16), small),
    st.sampled_from([TERMINATE, TERMINATE_RESP, ACTIVE_TEST, ACTIVE_TEST_RESP]),
)


@settings(deadline=None)
@given(frame=FRAMES, sequence=st.integers(0, 2**32 - 1), version=st.sampled_from([V20, V30]))
def test_what_is_built_is_read_again(frame: Submit, sequence: int, version: int) -> None:
    assert decode(encode(frame, sequence, version), version) == (sequence, frame)


@pytest.mark.parametrize("version", [V20, V30])
@pytest.mark.parametrize("name", GOLDEN)
def test_every_truncation_is_read_as_far_as_it_goes(name: str, version: int) -> None:
    whole = encode(GOLDEN[name][1], 1, version)
    for size in range(len(whole)):
        with pytest.raises(FrameInvalid):  # the header does not tell the truth
            decode(whole[:size], version)
        if size >= HEADER.size:
            sequence, frame = decode(size.to_bytes(4, "big") + whole[4:size], version)
            assert (sequence, frame.command) == (1, GOLDEN[name][1].command)


@pytest.mark.parametrize("version", [V20, V30])
@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("more", [b"\0", bytes(7), b"xyz"])
def test_bytes_behind_a_frame_change_nothing(name: str, version: int, more: bytes) -> None:
    whole = encode(GOLDEN[name][1], 1, version)
    longer = (len(whole) + len(more)).to_bytes(4, "big") + whole[4:] + more
    expected = GOLDEN[name][1]
    if name in ("submit_resp", "deliver_resp") and version == V20 and len(more) >= 3:
        return  # 12 bytes of body are the layout of 3.0
    assert decode(longer, version)[1] == expected


@pytest.mark.parametrize("length", [0, 1, 11, LONGEST + 1, 0xFFFFFFFF])
def test_a_length_that_cannot_be_true_is_refused_before_anything_is_waited_for(length: int) -> None:
    with pytest.raises(FrameInvalid):
        list(split_frames(bytearray(length.to_bytes(4, "big"))))


@pytest.mark.parametrize("command", [0, 0x6, 0x7, 0x9, 0x80000000, 0xFFFFFFFF])
def test_a_command_nobody_knows_is_named(command: int) -> None:
    assert decode(HEADER.pack(12, command, 1)) == (1, UnknownFrame(command))


def test_frames_are_found_however_the_bytes_arrive() -> None:
    stream = b"".join(zeros(text) for _, _, text in GOLDEN.values())
    wanted = [zeros(text) for _, _, text in GOLDEN.values()]
    assert list(split_frames(bytearray(stream))) == wanted
    buffer, found = bytearray(), list[bytes]()
    for byte in stream:
        buffer.append(byte)
        found += split_frames(buffer)
    assert found == wanted
    assert not buffer


@settings(deadline=None)
@given(garbage=st.binary(max_size=300))
def test_garbage_is_a_clean_error(garbage: bytes) -> None:
    for version in (V20, V30):
        try:
            decode(garbage, version)
        except FrameInvalid:
            continue
