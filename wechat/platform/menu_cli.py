"""`onecert account menu` and `account token`: the live menu, pushing the catalogue's, the access token."""

from __future__ import annotations

import click

from config import audit
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_json, print_table
from config.db.engine import begin
from config.ground import Ground
from config.times.formats import rfc3339
from wechat.accounts import find_official_account
from wechat.platform.client import Platform
from wechat.platform.menu import build_menu, diff_menus, show_tree

SHOWN = 4
"""Characters of a token that are shown at each end."""


@click.group()
def menu() -> None:
    """Menus of official accounts."""


@menu.command("show")
@click.argument("code", metavar="ACCOUNT")
@json_option
@needs_ground
def show_menu(ground: Ground, code: str, as_json: bool) -> None:
    """Show the catalogue's menu of an account as a tree, and every platform limit it breaks."""
    account = find_official_account(ground.catalogues.current(), code)
    if as_json:
        print_table(build_menu(account)["button"], [], as_json)
        return
    click.echo("\n".join(show_tree(account.menu)))
    build_menu(account)


@menu.command("diff")
@click.argument("code", metavar="ACCOUNT")
@json_option
@needs_ground
def diff_menu(ground: Ground, code: str, as_json: bool) -> None:
    """Show the changes that `menu push` would make to the live menu; nothing when they are equal."""
    account = find_official_account(ground.catalogues.current(), code)
    lines = diff_menus(Platform(ground).live_menu(account), build_menu(account))
    if as_json:
        print_json(lines)
    elif lines:
        click.echo("\n".join(lines))
    else:
        click.echo("The live menu is the catalogue's.", err=True)


@menu.command("push")
@click.argument("code", metavar="ACCOUNT")
@change_options
@click.pass_context
@needs_ground
def push_menu(ground: Ground, ctx: click.Context, code: str, dry_run: bool, yes: bool) -> None:
    """Replace the live menu by the catalogue's, if they differ. WeChat clients show it within minutes."""
    catalogue, platform = ground.catalogues.current(), Platform(ground)
    account = find_official_account(catalogue, code)
    wanted = build_menu(account)
    lines = diff_menus(platform.live_menu(account), wanted)
    if not lines:
        click.echo("The live menu is the catalogue's: there is nothing to push.")
        return
    click.echo("\n".join(lines))
    if not confirm(ctx, f"push this menu to {code}", yes, dry_run):
        return
    # Written before the call: an outside effect must never lack its audit row.
    with begin(ground.engine) as db:
        audit.record(db, ground, "menu.push", code, f"the menu of version {catalogue.version} of the catalogue")
    platform.create_menu(account, wanted)
    click.echo(f"pushed to {code}")


@click.command()
@click.argument("code", metavar="ACCOUNT")
@json_option
@needs_ground
def token(ground: Ground, code: str, as_json: bool) -> None:
    """Show the access token that all processes share, masked, and its expiry. Fetches one if needed."""
    account = find_official_account(ground.catalogues.current(), code)
    kept = Platform(ground).token(account)
    masked = f"{kept.value[:SHOWN]}…{kept.value[-SHOWN:]}" if len(kept.value) > 8 * SHOWN else "…"
    row = {
        "account": code,
        "token": masked,
        "characters": len(kept.value),
        "renews_at": rfc3339(kept.renew_at),
        "ends_at": rfc3339(kept.ends_at),
    }
    print_table([row], list(row), as_json)
