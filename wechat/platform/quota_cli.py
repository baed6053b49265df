"""`onecert account quota`: show and clear the daily quotas of an official account or a mini program at WeChat."""

from __future__ import annotations

import click
from redis import RedisError

from config import audit
from config.catalogue.schema import Entrance
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table
from config.db.engine import begin
from config.errors import RedisUnavailable
from config.ground import Ground
from config.platforms.errors import PlatformRefused
from config.platforms.wechat_client import WeChatClient
from wechat.accounts import find_wechat_app
from wechat.platform.client import Platform

PATHS = {
    "official-account": (
        "/cgi-bin/menu/create",
        "/cgi-bin/menu/get",
        "/cgi-bin/ticket/getticket",
        "/cgi-bin/message/subscribe/bizsend",
    ),
    "wechat-applet": ("/wxa/business/getuserphonenumber",),
}
"""The calls that we make with a token; WeChat has no quota for others (76022)."""


@click.command()
@click.argument("code", metavar="ACCOUNT")
@click.option("--clear", is_flag=True, help="Set all counts back at WeChat (10 times a month), and end our pauses.")
@change_options
@json_option
@click.pass_context
@needs_ground
def quota(ground: Ground, ctx: click.Context, code: str, clear: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show the daily quotas of an account's or mini program's calls and which are paused; with --clear set them back.

    A used-up quota (45009) stops a call until midnight in Shanghai, unless it is cleared here.
    """
    account = find_wechat_app(ground.catalogues.current(), code)
    client = Platform(ground).client(account)
    if clear and confirm(ctx, f"set back the quotas of {code}", yes, dry_run):
        _clear(ground, account, client)
        click.echo(f"the quotas of {code} are set back", err=as_json)
    print_table(
        _rows(client, PATHS[account.kind]), ["path", "daily_limit", "used", "remain", "paused_s", "reason"], as_json
    )


def _clear(ground: Ground, account: Entrance, client: WeChatClient) -> None:
    # Written before the call: an outside effect must never lack its audit row.
    with begin(ground.engine) as db:
        audit.record(db, ground, "quota.clear", account.code)
    _end_pauses(client)  # the pause of the token would hold up the call that ends it
    client.quota.clear()
    _end_pauses(client)


def _end_pauses(client: WeChatClient) -> None:
    try:
        client.policy.lift()
    except RedisError:
        raise RedisUnavailable("Redis is away, and with it the pauses.") from None


def _rows(client: WeChatClient, paths: tuple[str, ...]) -> list[dict[str, object]]:
    """Return a row per path: those with a quota at WeChat, then those that are only paused."""
    try:
        paused = {pause.path: pause for pause in client.policy.pauses()}
    except RedisError:
        raise RedisUnavailable("Redis is away, and with it the pauses.") from None
    rows: list[dict[str, object]] = []
    for path in [*paths, *(path for path in paused if path not in paths)]:
        pause = paused.get(path)
        row: dict[str, object] = {"path": path} | (_read(client, path) if path in paths else {})
        row |= {"paused_s": pause.seconds, "reason": pause.errcode or "no answer"} if pause else {}
        rows.append(row)
    return rows


def _read(client: WeChatClient, path: str) -> dict[str, object]:
    try:
        quota = client.quota.read(path)
    except PlatformRefused as refused:
        return {"reason": f"unknown ({refused.errcode})"}
    return {name: quota.get(name) for name in ("daily_limit", "used", "remain")}
