"""`onecert config secret import`: all or none, in one call (27 secrets took 53 s, one call each)."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config import audit
from config.commands.catalogue import config_group
from config.commands.setup.secret_file import parse_secrets
from config.crypto.rsa_keys import make_private_key
from config.db.engine import reading
from config.errors import ConfigError
from config.ground import Ground

TOKEN, KEY = "Token0123456789", "k" * 32


def load(ground: Ground, text: str, *words: str) -> Result:
    command = ["secret", "import", "-", *(words or ["--yes"])]
    return CliRunner().invoke(config_group, command, obj=ground, input=text, catch_exceptions=False)


def test_every_secret_of_the_file_is_set_and_the_audit_names_them(ground: Ground) -> None:
    pem = make_private_key()
    text = f"\"gxwbwx.token\" = \"{TOKEN}\"\n[jd]\nkey = '{KEY}'\n[alipay-applet]\nprivate_key = '''\n{pem}'''\n"
    done = load(ground, text)
    assert (done.exit_code, done.stdout) == (0, "3 secrets are set\n")
    assert (ground.secrets.get("gxwbwx.token"), ground.secrets.get("jd.key")) == (TOKEN, KEY)
    assert ground.secrets.get("alipay-applet.private_key") == pem.strip("\n")
    with reading(ground.engine) as db:
        entry = audit.listing(db, 1)[0]
    assert (entry.action, entry.detail) == ("secret.import", "gxwbwx.token, jd.key, alipay-applet.private_key")
    assert TOKEN not in done.output and KEY not in done.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'"gxwbwx.token" = "{TOKEN}"\n"jd.key" = "short"\n', "jd.key: a key needs at least 16 characters"),
        (f'"gxwbwx.token" = "{TOKEN}"\n"jdd.key" = "{KEY}"\n', "does not use it; did you mean jd.key?"),
        (f'"gxwbwx.token" = "{TOKEN}"\n"jd.key" = {KEY}\n', "the file is not TOML, at line 2, column 12"),
        ("[jd]\nkey = 5\n", "jd.key: write its value in quotes"),
        ("", "the file names no secret"),
    ],
)
def test_one_that_is_wrong_and_none_is_set(ground: Ground, text: str, told: str) -> None:
    before = ground.secrets.get("gxwbwx.token")
    done = load(ground, text)
    assert done.exit_code == 1 and told in done.stderr
    assert ground.secrets.get("gxwbwx.token") == before
    assert TOKEN not in done.output and KEY not in done.output


def test_a_dry_run_sets_nothing(ground: Ground) -> None:
    before = ground.secrets.get("jd.key")
    assert load(ground, f'"jd.key" = "{KEY}"', "--dry-run").stdout == "would set 1 secrets: jd.key\n"
    assert ground.secrets.get("jd.key") == before


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not UTF-8"):
        parse_secrets(io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), encoding="utf-8"))
