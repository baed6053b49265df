"""Pages that get the signature of WeChat's JS-SDK (pure)."""

from __future__ import annotations

from wechat.platform.script_config import is_allowed


def test_a_page_is_on_the_accounts_list_or_it_is_not_signed() -> None:
    assert is_allowed("https://a/p?x=1#y", ("a",))
    assert not is_allowed("ftp://a/", ("a",))
