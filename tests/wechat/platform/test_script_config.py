"""The signature that WeChat's JS-SDK asks for, and whose pages get one (pure)."""

from __future__ import annotations

from wechat.platform.script_config import is_allowed, sign_page


def test_a_signature_is_the_one_of_the_platforms_example() -> None:
    ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    signature = sign_page(ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value#x")
    assert signature == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    assert not is_allowed("ftp://a/", ("a",))
