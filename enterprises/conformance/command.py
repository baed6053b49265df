"""`onecert partner conformance URL`: a table of checks against a partner's address, and an exit code for CI."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO, cast

import click

from config.catalogue.fields import Bilingual
from config.catalogue.schema import Application, Partner
from config.commands.terminal import ground_of, json_option, plain_errors, print_table
from config.errors import OneCertError
from config.ground import Ground
from enterprises.conformance.checks import Result, run_checks
from enterprises.conformance.trial import Trial


@dataclass(frozen=True, slots=True)
class Known:
    """The facts known of the partner before the run: its terms, the secret, trusted certificates."""

    partner: Partner
    secret: str = field(repr=False)
    ca_file: Path | None = None


KINDS = ("unbind", "dispute", "watch")
COLUMNS = ("check", "result", "seen", "what to do")


@click.command()
@click.argument("url")
@click.option("--kind", type=click.Choice(["enterprise", "carrier"]), help="Kind of partner.  [default: enterprise]")
@click.option("--code", help="Agreed code; a carrier counts cards under it.")
@click.option("--key-id", help="Agreed key id.")
@click.option("--secret-file", type=click.File(), help="File with the secret; - reads it from standard input.")
@click.option("--algorithm", type=click.Choice(["hmac-sha256", "hmac-sm3"]), help="Signature algorithm.")
@click.option("--seal", type=click.Choice(["none", "A256GCM", "SM4GCM"]), help="Encryption of the bodies.")
@click.option("--batch-size", type=click.IntRange(1, 500), help="Items in the largest call.")
@click.option("--application", "applications", multiple=True, help="Code of an application; once for each.")
@click.option("--requests", multiple=True, type=click.Choice(KINDS), help="Kind of requests taken; once for each.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Trusted CAs (PEM).")
@click.option("--listen", help="host:port that receives the partner's callbacks.")
@json_option
@click.pass_context
@plain_errors
def conformance(
    ctx: click.Context,
    /,
    url: str,
    secret_file: TextIO | None,
    ca_file: Path | None,
    listen: str | None,
    as_json: bool,
    **terms: object,
) -> None:
    """Check the partner at URL (its base URL) against the lookup protocol.

    A partner of the catalogue is known by its base URL: its terms and secret are taken from there. Any other needs
    --key-id and --secret-file. Only the reserved test number is asked about.
    """
    configured = None if secret_file else _configured(ctx, url)
    if configured is None and (secret_file is None or not terms["key_id"]):
        raise click.UsageError("no partner of the catalogue has this base URL: give --key-id and --secret-file")
    codes = cast("tuple[str, ...]", terms.pop("applications"))
    agreed = {name: value for name, value in terms.items() if value}
    if codes:
        agreed["applications"] = tuple(Application(code=code, name=Bilingual(zh=code, en=code)) for code in codes)
    if configured is None:
        secret = secret_file.read().strip() if secret_file else ""
        known = Known(stranger(url, agreed), secret, ca_file)
    else:
        known = replace(configured, partner=configured.partner.model_copy(update=agreed))
    with Trial(known.partner, known.secret, listen, ca_file=ca_file or known.ca_file) as trial:
        rows = [_row(result) for result in run_checks(trial)]
    print_table(rows, COLUMNS, as_json)
    if any(row["result"] == "fail" for row in rows):
        ctx.exit(1)


def _row(result: Result) -> dict[str, str]:
    advice = result.check.what_to_do if result.state == "fail" else ""
    return {"check": result.check.name, "result": result.state, "seen": result.seen, "what to do": advice}


def _configured(ctx: click.Context, url: str) -> Known | None:
    """Return the catalogue's partner with this base URL; None if there is none, or nothing is set up."""
    try:
        ground: Ground = ground_of(ctx)
        partners = ground.catalogues.current().partners
        found = next((one for one in partners if one.base_url.rstrip("/") == url.rstrip("/")), None)
        return Known(found, ground.secrets.get(f"{found.code}.key"), ground.settings.ca_file) if found else None
    except OneCertError:
        return None


def stranger(url: str, agreed: Mapping[str, object]) -> Partner:
    """Make a partner that is in no catalogue, on the usual terms except those agreed; an enterprise counts `weixin`."""
    name = Bilingual(zh="被测方", en="under test")
    carrier = agreed.get("kind") == "carrier"
    usual = Partner(
        code="under-test",
        kind="enterprise",
        name=name,
        short_name="被测方",
        base_url=url,
        key_id="under-test",
        batch_size=500,
        connect_s=3.0,
        read_s=10.0,
        total_s=15.0,
        retry_s=(60.0,),
        applications=() if carrier else (Application(code="weixin", name=name),),
    )
    return usual.model_copy(update=agreed)
