"""The progress page at each status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from query.progress import Progress
from wechat.pages.progress import DONE, LATER, NOW, Step, grouped, view_progress
from wechat.pages.texts import Words

ACCEPTED = 1_795_327_500_000  # 2026-11-22 14:05 in Shanghai
zh = Words("zh-CN")
RECEIVED = Progress(
    reference="482719356041",
    service="internet-accounts",
    phone="138****8000",
    status="asking",
    accepted_at=ACCEPTED,
    reply_by=ACCEPTED + 48 * 3_600_000,
    asked=None,
    answered=None,
    closed_at=None,
)
ASKING = replace(RECEIVED, status="asking", asked=8, answered=6)
ANSWERED = replace(ASKING, answered=8)
CLOSED = replace(RECEIVED, status="closed", closed_at=ACCEPTED + 60_000)
first = Step(DONE, "已受理", "11 月 22 日 14:05")
last = Step(LATER, "发短信到 138****8000", "最快几秒，最迟 11 月 24 日 14:05")


@pytest.mark.parametrize(
    ("seen", "steps"),
    [
        (RECEIVED, (first, Step(NOW, "正在核验并查询", "最快几秒"), last)),
        (ASKING, (first, Step(NOW, "正在等待企业反馈", "8 家企业中，6 家已反馈", (6, 8)), last)),
        (ANSWERED, (first, Step(NOW, "正在等待企业反馈", "8 家企业中，8 家已反馈", (8, 8)), last)),
        (
            CLOSED,
            (
                first,
                Step(DONE, "查询已结束", "11 月 22 日 14:06"),
                Step(DONE, "已发短信", "发到 138****8000，14:06"),
            ),
        ),
    ],
    ids=["received", "asking", "answered", "closed"],
)
def test_the_three_steps_of_each_status(seen: Progress, steps: tuple[Step, Step, Step]) -> None:
    assert view_progress(seen, ACCEPTED, zh).steps == steps


def test_cards_wait_for_carriers() -> None:
    seen = replace(ASKING, service="phone-cards", asked=4, answered=1)
    view = view_progress(seen, ACCEPTED, zh)
    assert view.steps[1].title == "正在等待电信企业反馈"
    assert view.service == "移动电话卡"


def test_figures_show_only_while_partners_are_asked() -> None:
    told = replace(CLOSED, asked=8, answered=0)
    assert view_progress(told, ACCEPTED, zh) == view_progress(CLOSED, ACCEPTED, zh)


def test_the_heading_changes_when_the_text_is_sent() -> None:
    assert view_progress(ANSWERED, ACCEPTED, zh).heading == "pr.h1"
    assert view_progress(CLOSED, ACCEPTED, zh).heading == "pr.h1.closed"


def test_the_advice_lies_open_when_it_is_needed() -> None:
    assert not view_progress(ASKING, ACCEPTED, zh).advice_open
    assert view_progress(ASKING, ASKING.reply_by, zh).advice_open
    assert view_progress(CLOSED, ACCEPTED, zh).advice_open


def test_a_reference_is_read_out_in_groups_of_four() -> None:
    assert grouped("482719356041") == "4827 1935 6041"
