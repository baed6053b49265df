"""`onecert account`: official accounts, their menus, and a push played as WeChat would send it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import click

from config.commands.terminal import json_option, needs_ground, print_table, read_input
from config.ground import Ground
from config.net.http_client import HttpResponse
from wechat.accounts import official_accounts
from wechat.errors import PlayFailed
from wechat.platform.menu_cli import menu, token
from wechat.platform.quota_cli import quota
from wechat.webhook.account_keys import read_account
from wechat.webhook.body import Format
from wechat.webhook.player import (
    Message,
    Played,
    build_event,
    build_push,
    build_text,
    make_openid,
    parse_secrets,
    read_answer,
)
from wechat.webhook.push import NOTHING, AccountKeys, Mode

WECHAT_WAITS_S = 5.0
KINDS: dict[str, Callable[[str], Message]] = {
    "click": lambda words: build_event("CLICK", words),
    "text": build_text,
    "subscribe": lambda words: build_event("subscribe", words),
    "event": build_event,
}
NAMED = {"click": "the KEY of a menu button", "text": "the WORDS", "event": "the NAME of the event"}
"""The argument that a kind of push needs."""


@click.group()
def account() -> None:
    """Official accounts."""


@account.command("list")
@json_option
@needs_ground
def list_accounts(ground: Ground, as_json: bool) -> None:
    """List the official accounts of the catalogue."""
    rows = [
        {"code": entrance.code, "name": entrance.name.zh, "app_id": entrance.app_id, "mode": entrance.mode}
        for entrance in official_accounts(ground.catalogues.current())
    ]
    print_table(rows, ["code", "name", "app_id", "mode"], as_json)


@account.command("push")
@click.argument("code", metavar="ACCOUNT")
@click.argument("kind", metavar="click|text|subscribe|event", type=click.Choice(list(KINDS)))
@click.argument("words", metavar="KEY|WORDS|NAME", required=False)
@click.option("--url", metavar="URL", help="The instance to push to; otherwise the one of ONECERT_PUBLIC_URL.")
@click.option("--mode", type=click.Choice(["plain", "compatible", "safe"]), help="Otherwise the account's own.")
@click.option(
    "--format", "form", type=click.Choice(["xml", "json"]), default="xml", show_default=True, help="Of the body."
)
@click.option("--tries", type=click.IntRange(1, 64), default=1, show_default=True, help="Send it so often at once.")
@click.option("--openid", metavar="OPENID", help="Whose push; otherwise somebody new.")
@click.option(
    "--secrets", "asked", is_flag=True, help="Read app id, token and AES key from standard input, a line each."
)
@needs_ground
def push(
    ground: Ground,
    code: str,
    kind: str,
    words: str | None,
    url: str | None,
    mode: Mode | None,
    form: Format,
    tries: int,
    openid: str | None,
    asked: bool,
) -> None:
    """Play WeChat: push a menu tap, a text or an event to a running instance and print the answer, opened.

    The account's secrets are read from this instance's database; for an instance at --url that has others, give them
    with --secrets.
    """
    if not words and kind in NAMED:
        raise click.UsageError(f"{kind} needs {NAMED[kind]}")
    keys = parse_secrets(code, read_input()) if asked else read_account(ground, code).keys
    played = build_push(
        keys,
        KINDS[kind](words or ""),
        openid=openid or make_openid(),
        mode=mode or keys.mode,
        form=form,
        now=ground.clock.now(),
    )
    where = f"{(url or ground.settings.public_url).rstrip('/')}/wechat/{code}"
    with ThreadPoolExecutor(tries) as pool:
        _show(keys, list(pool.map(lambda _try: _send(ground, where, played), range(tries))))


def _show(keys: AccountKeys, bodies: Sequence[bytes]) -> None:
    """Print the decrypted answer. Raises PlayFailed when two tries got different ones."""
    answers = set(bodies) - {NOTHING, b""}
    if len(answers) > 1:
        raise PlayFailed(f"{len(bodies)} tries of one push got {len(answers)} different answers.")
    if not answers:
        click.echo("WeChat got `success`: there is nothing to say.", err=True)
    elif len(bodies) > 1:
        got = sum(body in answers for body in bodies)
        click.echo(f"{got} of {len(bodies)} tries got this, the others `success`.", err=True)
    for body in answers:
        click.echo(read_answer(keys, body))


def _send(ground: Ground, where: str, played: Played) -> bytes:
    answer: HttpResponse = ground.http.post(
        f"{where}?{played.query}", played.body, {"Content-Type": played.media}, total=WECHAT_WAITS_S
    )
    if answer.status != 200:
        raise PlayFailed(f"{where} answered {answer.status}; WeChat would show a fault.")
    return answer.body


account.add_command(menu)
account.add_command(token)
account.add_command(quota)
COMMANDS = [account]
