import pytest

from config.crypto.suites import SUITES, KeyMaterial, Suite, join, parse_suite, self_test
from config.errors import SealBroken


def test_every_algorithm_gives_its_known_answer() -> None:
    self_test()


def test_a_wrong_answer_of_an_algorithm_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.crypto.suites.keyed_hash", lambda *_: bytes(32))
    with pytest.raises(RuntimeError, match="HMAC-SHA256"):
        self_test()


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_sealed_opens_again(suite: Suite) -> None:
    key = KeyMaterial(suite, bytes(range(32)))
    for plain in (b"", b"x", bytes(1_000_000)):
        assert key.open("p", key.seal("p", plain, b"here"), b"here") == plain


@pytest.mark.parametrize("suite", SUITES)
def test_every_altered_byte_is_noticed(suite: Suite) -> None:
    key = KeyMaterial(suite, bytes(range(32)))
    sealed = key.seal("p", b"13800138000", b"here")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(SealBroken):
            key.open("p", bytes(altered), b"here")


@pytest.mark.parametrize("suite", SUITES)
def test_a_seal_opens_only_for_its_place_purpose_and_key(suite: Suite) -> None:
    key = KeyMaterial(suite, bytes(range(32)))
    sealed = key.seal("p", b"13800138000", b"here")
    with pytest.raises(SealBroken):
        key.open("p", sealed, b"there")
    with pytest.raises(SealBroken):
        key.open("q", sealed, b"here")
    with pytest.raises(SealBroken):
        KeyMaterial(suite, bytes(32)).open("p", sealed, b"here")
    with pytest.raises(SealBroken):
        key.open("p", sealed[:20], b"here")


def test_the_same_value_never_looks_the_same_twice() -> None:
    key = KeyMaterial("aes", bytes(range(32)))
    assert len({key.seal("p", b"1", b"") for _ in range(1000)}) == 1000


def test_macs_differ_by_purpose_and_suite() -> None:
    keys = [KeyMaterial(suite, bytes(range(32))) for suite in SUITES]
    assert len({key.mac(purpose, b"1") for key in keys for purpose in ("a", "b")}) == 4
    assert {len(key.mac("a", b"1")) for key in keys} == {32}


def test_no_two_lists_of_parts_join_alike() -> None:
    lists = [("12", "3"), ("1", "23"), ("123",), ("123", ""), (b"123",), (123,), (12, 3), ()]
    assert len({join(*parts) for parts in lists}) == len(lists)


def test_a_key_is_never_printed() -> None:
    assert repr(KeyMaterial("sm", b"geheim")) == "KeyMaterial(sm)"


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(ValueError):
        parse_suite("des")
