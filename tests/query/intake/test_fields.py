"""Fields of the form: many spellings, one canonical form or an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.phone_numbers import mask_phone
from query.errors import CodeInvalid, IdNumberInvalid, IdTailInvalid, NameInvalid, PhoneInvalid
from query.intake.fields import parse_code, parse_id_number, parse_id_tail, parse_name, parse_phone


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        "138 0013 8000",
        " 138-0013-8000 ",
        "+86 13800138000",
        "+8613800138000",
        "0086 138 0013 8000",
        "8613800138000",
        "１３８００１３８０００",
        "＋８６ １３８００１３８０００",
        "138\u30000013\u00a08000",
        "138–0013—8000",
        "(138) 0013.8000",
        "\u200b13800138000\ufeff",
        "\u202d13800138000\u202c",  # an iOS contact (verbb/hyper #86, WooCommerce #58000)
        "\u2066138 0013\u200e8000\u2069",
        "1380\ufe0f0138\u00ad000\U000e0101",
        "138\u28000013\u31648000\ufffc",  # fillers, and the place of a picture that was copied along
    ],
)
def test_every_spelling_of_a_number_is_the_same_number(typed: str) -> None:
    assert parse_phone(typed) == "13800138000"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1380013800",
        "138001380000",
        "010-12345678",
        "02812345678",
        "12800138000",
        "+85213800138000",
        "١٣٨٠٠١٣٨٠٠٠",
        "१३८००१३८०००",
        "1380013800o",
        "1380013800²",
        "1380013800①",
        "1380013800𝟎",
        "13800138000#",
        "13800138000\n13800138001",
        "+86+8613800138000",
        "1" * 5000,
        "ﷺ" * 64,
    ],
)
def test_what_is_no_mobile_number_is_refused_and_not_repeated(typed: str) -> None:
    with pytest.raises(PhoneInvalid) as refused:
        parse_phone(typed)
    assert len(typed) < 3 or typed not in str(refused.value)


@given(st.text(max_size=80))
def test_any_text_gives_one_form_or_phone_invalid(typed: str) -> None:
    try:
        phone = parse_phone(typed)
    except PhoneInvalid:
        return
    assert len(phone) == 11
    assert phone.isascii()
    assert parse_phone(phone) == phone


@pytest.mark.parametrize(("typed", "tail"), [("12345x", "12345X"), ("１２３４５Ｘ", "12345X"), (" 123 456 ", "123456")])
def test_an_id_tail_is_mended(typed: str, tail: str) -> None:
    assert parse_id_tail(typed) == tail


@pytest.mark.parametrize("typed", ["1234567", "12345", "abcdef", "x12345", "1234x5", "١٢٣٤٥٦", "12345²", "12345XX", ""])
def test_what_is_no_id_tail_is_refused(typed: str) -> None:
    with pytest.raises(IdTailInvalid):
        parse_id_tail(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("11010519491231002x", "11010519491231002X"),
        ("440524 18800101 0014", None),
        ("440524 19800101 001X", None),
        ("110105 19491231 002X", "11010519491231002X"),
        ("110105194902310026", None),
        ("110105194912310021", None),
        ("01010519491231002X", None),
        ("1101051949123¹002X", None),
        ("110105491231002", None),
        ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
    ],
)
def test_an_id_number_has_a_real_date_and_a_right_check_character(typed: str, number: str | None) -> None:
    if number is not None:
        assert parse_id_number(typed) == number
        return
    with pytest.raises(IdNumberInvalid):
        parse_id_number(typed)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("张三", "张三"),
        (" 欧阳  娜娜 ", "欧阳 娜娜"),
        ("买买提・吐尔逊", "买买提·吐尔逊"),
        ("买买提•吐尔逊", "买买提·吐尔逊"),
        ("买买提 · 吐尔逊", "买买提·吐尔逊"),
        ("𠮷田", "𠮷田"),
        ("王〇", "王〇"),
        ("José O'Neil-Smith", "José O'Neil-Smith"),
        ("张三\u202e", "张三"),
        ("\u200b张\u2060三\ufeff", "张三"),
        ("欧\U000e0100阳\u00ad娜\ufe0f娜", "欧阳娜娜"),
    ],
)
def test_a_name_is_mended_to_one_spelling(typed: str, name: str) -> None:
    assert parse_name(typed) == name


@pytest.mark.parametrize("typed", ["", "张", "张3", "张三<b>", "··", "a" * 51, "张\x00三"])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(NameInvalid):
        parse_name(typed)


def test_a_shown_number_is_masked() -> None:
    assert mask_phone("13800138000") == "138****8000"


def test_a_code_may_be_typed_with_spaces_and_full_width() -> None:
    assert parse_code(" ４８２ 913 ") == "482913"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "12345²", "١٢٣٤٥٦", "482913 482913"])
def test_what_is_no_code_is_refused_before_it_is_tried(typed: str) -> None:
    with pytest.raises(CodeInvalid):
        parse_code(typed)
