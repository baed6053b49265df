"""Which link a message takes."""

from __future__ import annotations

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.links import ApprovedText, Link
from config.catalogue.schema import Catalogue
from sms_port.links.templates import Template
from sms_port.models import Lane
from sms_port.sending.routing import Cooldown, LinkLoad, Routes, batch_limit, routes_for

DEFAULT = load_catalogue(default_document())


def make_link(code: str, **changes: object) -> Link:
    return DEFAULT.links[0].model_copy(update={"code": code, **changes})


def catalogue_of(*links: Link) -> Catalogue:
    return DEFAULT.model_copy(update={"links": links})


def routes(*links: Link) -> Routes:
    return Routes(links, links)


def test_the_preferred_enabled_link_of_the_lane_comes_first() -> None:
    links = [
        make_link("third", preference=3),
        make_link("first", preference=1),
        make_link("off", preference=0, enabled=False),
        make_link("codes", preference=2, lanes=("code",)),
    ]
    catalogue = catalogue_of(*links)
    assert [link.code for link in routes_for(catalogue, Lane.REPLY, Cooldown(), 0).usable] == ["first", "third"]
    assert [link.code for link in routes_for(catalogue, Lane.CODE, Cooldown(), 0).usable] == ["first", "codes", "third"]


def test_each_attempt_that_certainly_failed_moves_on() -> None:
    two = routes(make_link("a"), make_link("b"))
    assert [link.code for attempts in range(3) if (link := two.pick(LinkLoad(1), attempts, None))] == ["a", "b", "a"]


def test_a_message_that_a_link_may_have_seen_stays_with_it() -> None:
    a, b = make_link("a"), make_link("b")
    assert routes(a, b).pick(LinkLoad(1), 1, "a") is a
    assert Routes((a, b), (b,)).pick(LinkLoad(1), 1, "a") is None


def test_a_link_that_was_taken_out_of_the_catalogue_binds_nobody() -> None:
    b = make_link("b")
    assert routes(b).pick(LinkLoad(1), 1, "a") is b


def test_only_a_link_that_takes_so_many_parts_is_picked() -> None:
    short, long = make_link("short", max_parts=3), make_link("long", max_parts=8)
    assert routes(short, long).pick(LinkLoad(5), 0, None) is long
    assert Routes((short, long), (short,)).pick(LinkLoad(5), 0, None) is None
    assert Routes((short, long), (short,)).refusal(LinkLoad(5)) == ""
    assert routes(short).refusal(LinkLoad(5)) == "too_long"


@pytest.mark.parametrize(("failures", "pause_ms"), [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (9, 10_000)])
def test_a_link_that_fails_rests_and_is_then_tried_with_one_message(failures: int, pause_ms: int) -> None:
    link, cooldown = make_link("a"), Cooldown()
    for _ in range(failures):
        cooldown.note("a", False, 0)
    assert cooldown.allowance(link, pause_ms - 1) == 0
    assert cooldown.allowance(link, pause_ms) == 1
    cooldown.note("a", True, pause_ms)
    assert cooldown.allowance(link, pause_ms) == link.batch_size


def test_no_link_gets_more_at_once_than_it_takes() -> None:
    catalogue = catalogue_of(make_link("a", batch_size=100), make_link("b", batch_size=30))
    cooldown = Cooldown()
    assert batch_limit(routes_for(catalogue, Lane.REPLY, cooldown, 0), cooldown, 0) == 30
    cooldown.note("b", False, 0)
    assert batch_limit(routes_for(catalogue, Lane.REPLY, cooldown, 0), cooldown, 0) == 100
    cooldown.note("a", False, 0)
    assert batch_limit(routes_for(catalogue, Lane.REPLY, cooldown, 0), cooldown, 0) == 0


APPROVED = (ApprovedText(text="code-internet-accounts", code="SMS_1"), ApprovedText(text="opt-in", code="SMS_2"))
CODE = "【一证通查】验证码482913，5分钟内有效，用于查询本机号码关联的互联网账号数量。非本人操作请忽略，切勿告诉他人。"


def test_no_free_text_goes_to_a_link_that_only_takes_templates() -> None:
    cloud, free = make_link("cloud", templates=APPROVED), make_link("free")
    both = routes_for(catalogue_of(cloud, free), Lane.REPLY, Cooldown(), 0)
    reply = LinkLoad(1, "13800138000", "【一证通查】您11月22日查询的138****8000，关联账号数量：微信2个。")
    assert [both.pick(reply, attempts, None) for attempts in range(3)] == [free, free, free]
    alone = routes_for(catalogue_of(cloud), Lane.REPLY, Cooldown(), 0)
    assert alone.pick(reply, 0, None) is None
    assert alone.refusal(reply) == "no_link"


def test_a_text_that_is_a_template_goes_to_either_with_what_fills_it() -> None:
    cloud, free = make_link("cloud", templates=APPROVED), make_link("free")
    both = routes_for(catalogue_of(cloud, free), Lane.CODE, Cooldown(), 0)
    code = LinkLoad(1, "13800138000", CODE)
    assert [both.pick(code, attempts, None) for attempts in range(2)] == [cloud, free]
    assert both.template_of(cloud, code) == Template("SMS_1", {"code": "482913"})
    assert both.template_of(free, code) is None


@pytest.mark.parametrize("text", [CODE[:-1], CODE + "。", CODE.replace("482913", ""), CODE.replace("。", "", 1), ""])
def test_a_text_that_differs_in_a_word_is_no_template(text: str) -> None:
    cloud = make_link("cloud", templates=APPROVED)
    assert (
        routes_for(catalogue_of(cloud), Lane.CODE, Cooldown(), 0).refusal(LinkLoad(1, "13800138000", text)) == "no_link"
    )


def test_of_two_templates_that_fit_the_one_with_more_words_of_its_own_is_taken() -> None:
    approved = [ApprovedText(text=f"{name}-internet-accounts", code=name) for name in ("result", "partial")]
    texts = DEFAULT.texts.sms
    whole = texts["partial-internet-accounts"].format(
        date="11月22日", phone="138****8000", counts="微信2个", silent="京东", total=2
    )
    for templates in (tuple(approved), tuple(reversed(approved))):
        link = make_link("cloud", templates=templates)
        found = routes_for(catalogue_of(link), Lane.REPLY, Cooldown(), 0).template_of(link, LinkLoad(1, "", whole))
        assert found is not None
        assert (found.code, found.fields["counts"]) == ("partial", "微信2个")
