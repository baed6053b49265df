"""An account's menu against the platform's limits."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.menus import MenuItem
from config.catalogue.schema import Entrance
from wechat.accounts import official_accounts
from wechat.errors import MenuInvalid
from wechat.platform.menu import build_menu, diff_menus, show_tree

CATALOGUE = load_catalogue(default_document())
TAP = MenuItem(name="一证通查", type="click", key="ONECERT")


@pytest.mark.parametrize("entrance", official_accounts(CATALOGUE), ids=lambda entrance: entrance.code)
def test_the_default_menus_are_ones_the_platform_takes(entrance: Entrance) -> None:
    sub = {"name": "一证通查", "type": "click", "key": "ONECERT"}
    assert build_menu(entrance) == {"button": [{"name": "政务服务", "sub_button": [sub]}]}


def test_a_menu_is_shown_as_a_tree() -> None:
    page = MenuItem(name="网页", type="view", url="https://one.example/")
    menu = (MenuItem(name="政务服务", items=(TAP, page)), TAP)
    assert show_tree(menu) == [
        "政务服务",
        "├── 一证通查  (click ONECERT)",
        "└── 网页  (view https://one.example/)",
        "一证通查  (click ONECERT)",
    ]


def test_applet_buttons_are_spelled_as_the_platform_wants() -> None:
    applet = MenuItem(name="查", type="miniprogram", url="https://a.example/", app_id="wx1", page_path="pages/a")
    entrance = CATALOGUE.entrances[0].model_copy(update={"menu": (applet,)})
    spelled = {"name": "查", "type": "miniprogram", "url": "https://a.example/", "appid": "wx1", "pagepath": "pages/a"}
    assert build_menu(entrance) == {"button": [spelled]}


def test_buttons_of_an_accounts_own_are_spelled_too() -> None:
    own = (
        MenuItem(name="扫一扫", type="scancode_waitmsg", key="SCAN"),
        MenuItem(name="图文", type="article_id", article_id="a1"),
    )
    entrance = CATALOGUE.entrances[0].model_copy(update={"menu": own})
    assert build_menu(entrance)["button"] == [
        {"name": "扫一扫", "type": "scancode_waitmsg", "key": "SCAN"},
        {"name": "图文", "type": "article_id", "article_id": "a1"},
    ]
    assert show_tree(own) == ["扫一扫  (scancode_waitmsg SCAN)", "图文  (article_id a1)"]


@pytest.mark.parametrize(
    "menu",
    [
        (),
        (MenuItem(name="政务服务六个", type="click", key="K"),),
        (MenuItem(name="政务服务", items=(MenuItem(name="名" * 21, type="click", key="K"),)),),
        (MenuItem(name="查", type="click", key="键" * 43),),
        (MenuItem(name="查", type="view", url="https://a.example/" + "一" * 360),),
    ],
)
def test_what_the_platform_would_refuse_is_told(menu: tuple[MenuItem, ...]) -> None:
    with pytest.raises(MenuInvalid) as refused:
        build_menu(CATALOGUE.entrances[0].model_copy(update={"menu": menu}))
    assert len(refused.value.detail.splitlines()) == 1


LIVE = {
    "button": [
        {"name": "政务服务", "sub_button": [{"type": "click", "name": "一证通查", "key": "K", "sub_button": []}]}
    ]
}


def test_a_live_menu_that_only_spells_it_differently_is_the_same() -> None:
    wanted = {"button": [{"name": "政务服务", "sub_button": [{"name": "一证通查", "type": "click", "key": "K"}]}]}
    assert diff_menus(LIVE, wanted) == []


def test_a_difference_is_shown_as_lines_of_both_trees() -> None:
    wanted = {"button": [{"name": "政务服务", "sub_button": [{"name": "一证通查", "type": "click", "key": "ONECERT"}]}]}
    assert diff_menus(LIVE, wanted) == [
        "  政务服务",
        "- └── 一证通查  (click K)",
        "+ └── 一证通查  (click ONECERT)",
    ]
    assert diff_menus(None, wanted) == ["+ 政务服务", "+ └── 一证通查  (click ONECERT)"]


def test_what_the_tree_does_not_show_is_still_a_difference() -> None:
    wanted = {
        "button": [{"name": "政务服务", "sub_button": [{"name": "一证通查", "type": "click", "key": "K", "x": "1"}]}]
    }
    assert diff_menus(LIVE, wanted) == ["  政务服务", "  └── 一证通查  (click K)"]


ADDRESSES = [
    "https://a.example/p?a=1&b=2",
    "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fa#wechat_redirect",
    "https://mp.weixin.qq.com/s?__biz=MzA=&mid=1#rd",
    "https://a.example/#/app?x=y",
    "HTTPS://a.example/一证通查",
    "http://a.example?" + "a" * 1006,
    "https://a.example/?tpl=x|y&amp;z=[1]",
    "https://政务.example:8443/a?redirect=https://b.example/#/c?d=e",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_of_a_menu_has_the_platforms_limits(url: str) -> None:
    """door fault F3, row 31 (wizjin/weixin #18; PowerWeChat #189; niefy #37; lanrion #46), and own variants."""
    menu = (MenuItem(name="查", type="view", url=url, key=None),)
    assert build_menu(CATALOGUE.entrances[0].model_copy(update={"menu": menu}))["button"][0]["url"] == url
    document = default_document().replace('key = "ONECERT"', f"url = {json.dumps(url, ensure_ascii=False)}", 1)
    document = document.replace('type = "click"', 'type = "view"', 1)
    assert url in str(load_catalogue(document).entrances[0].menu)


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "a.example", "https://a b", "https://a\tb", "http://", "http:///" + "a" * 1018),
        *("https:///a", "https://?a", "https://a.example/\u200b", "https://a.example/\u202ea", "weixin://dl/business"),
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        MenuItem(name="查", type="view", url=url)


def test_a_page_of_a_mini_program_may_be_long() -> None:
    item = MenuItem(name="查", type="miniprogram", url="https://a.example/", app_id="wx1", page_path="p?q=" + "a" * 800)
    assert build_menu(CATALOGUE.entrances[0].model_copy(update={"menu": (item,)}))
