"""`onecert partner conformance URL`: a table of checks against a partner's address, and an exit code for CI."""

from typing import TextIO

import click

from config.catalogue import Bilingual, Partner
from config.catalogue_schema import Application
from config.errors import OneCertError
from config.ground import Ground
from config.terminal import ground_of, json_option, plain_errors, print_table
from enterprises.conformance import Result, run_checks
from enterprises.trial import Trial

COLUMNS = ("check", "result", "seen", "what to do")


@click.command()
@click.argument("url")
@click.option("--kind", type=click.Choice(["enterprise", "carrier"]), help="What it is.  [default: enterprise]")
@click.option("--key-id", help="Key id that was agreed on.")
@click.option("--secret-file", type=click.File(), help="File with the secret; - reads it from standard input.")
@click.option("--algorithm", type=click.Choice(["hmac-sha256", "hmac-sm3"]), help="Of the signature.")
@click.option("--seal", type=click.Choice(["none", "A256GCM", "SM4GCM"]), help="Of the bodies.")
@click.option("--batch-size", type=click.IntRange(1, 500), help="Items in the largest call.")
@click.option("--application", "applications", multiple=True, help="Code of an application; once for each.")
@click.option("--listen", help="host:port where the partner calls back to during the run.")
@json_option
@click.pass_context
@plain_errors
def conformance(
    ctx: click.Context, /, url: str, secret_file: TextIO | None, listen: str | None, as_json: bool, **terms: object
) -> None:
    """Check the partner at URL (its base URL) against the lookup protocol.

    A partner of the catalogue is known by its base URL: its terms and secret are taken from there. Any other needs
    --key-id and --secret-file. Only the reserved test number is asked about.
    """
    configured = None if secret_file else _configured(ctx, url)
    if configured is None and (secret_file is None or not terms["key_id"]):
        raise click.UsageError("no partner of the catalogue has this base URL: give --key-id and --secret-file")
    agreed = {name: value for name, value in terms.items() if value and name != "applications"}
    codes = terms["applications"]
    if isinstance(codes, tuple) and codes:
        agreed["applications"] = tuple(Application(code=code, name=Bilingual(zh=code, en=code)) for code in codes)
    partner = configured[0] if configured else _stranger(url)
    secret = configured[1] if configured else secret_file.read().strip() if secret_file else ""
    with Trial(partner.model_copy(update=agreed), secret, listen) as trial:
        rows = [
            {
                "check": r.check.name,
                "result": r.state,
                "seen": r.seen,
                "what to do": r.check.what_to_do * (r.state == "fail"),
            }
            for r in run_checks(trial)
        ]
    print_table(rows, COLUMNS, as_json)
    if any(row["result"] == "fail" for row in rows):
        ctx.exit(1)


def _row(result: Result) -> dict[str, str]:
    advice = result.check.what_to_do if result.state == "fail" else ""
    return {"check": result.check.name, "result": result.state, "seen": result.seen, "what to do": advice}


def _configured(ctx: click.Context, url: str) -> tuple[Partner, str] | None:
    """The catalogue's partner with this base URL and its secret; None also where nothing is set up at all."""
    try:
        ground: Ground = ground_of(ctx)
        found = [one for one in ground.catalogues.current().partners if one.base_url.rstrip("/") == url.rstrip("/")]
        return (found[0], ground.secrets.get(f"{found[0].code}.key")) if found else None
    except OneCertError:
        return None


def _stranger(url: str) -> Partner:
    name = Bilingual(zh="被测方", en="under test")
    application = Application(code="weixin", name=name)
    return Partner(
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
        applications=(application,),
    )
