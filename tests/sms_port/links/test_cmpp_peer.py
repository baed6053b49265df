"""The link against the gateway that CMPP_PEER names, such as a carrier's test gateway."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.catalogue_links import Link as LinkEntry
from config.db import begin
from config.ground import Ground
from sms_port.links.cmpp import CmppLink
from sms_port.links.link import Accepted, Dispatch
from sms_port.models import Lane
from sms_port.reference import build_reference
from sms_port.segments import compose_parts
from tests.factories import LAUNCH_DAY
from tests.servers import wait_until
from tests.sms_port.cmpp_peers import Hearing, open_link, use_cmpp

NAMES = ("CMPP_PEER", "CMPP_SPID", "CMPP_SECRET")
pytestmark = pytest.mark.skipif(
    not all(name in os.environ for name in NAMES), reason=f"needs a gateway: set {', '.join(NAMES)}"
)


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """A link keeps no tables: one database server is enough."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


@pytest.fixture
def entry(ground: Ground) -> LinkEntry:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "cmpp.key", os.environ["CMPP_SECRET"], ground.clock.now())
    ground.secrets.forget()
    entry = use_cmpp(ground, 1, version=os.environ.get("CMPP_VERSION", "3.0"), read_s=60, total_s=75, connect_s=10)
    wishes = {"url": f"cmpp://{os.environ['CMPP_PEER']}", "account": os.environ["CMPP_SPID"]}
    return entry.model_copy(update=wishes | {"service_id": os.environ.get("CMPP_SERVICE", entry.service_id)})


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


@pytest.fixture
def link(ground: Ground, entry: LinkEntry, hearing: Hearing) -> Iterator[CmppLink]:
    with open_link(ground, entry, hearing) as link:
        yield link


def test_it_lets_us_in_and_takes_our_goodbye(link: CmppLink) -> None:
    assert link.status == "up"
    link.close()
    assert link.status == "left"


@pytest.mark.parametrize("text", ["您好", "长" * 100])
def test_it_takes_a_message_and_reports(link: CmppLink, hearing: Hearing, text: str) -> None:
    phone = os.environ.get("CMPP_PHONE")
    if phone is None:
        pytest.skip("needs a number to send to: set CMPP_PHONE")
    reference = build_reference(secrets.token_bytes(16), 1)
    parts = compose_parts(text, "【一证通查】", "ours")
    ending = link.send([Dispatch(reference, "10699000", phone, parts, LAUNCH_DAY, Lane.REPLY)]).get(reference)
    wait_until(lambda: ending or reference in hearing.late, 70)
    assert isinstance(ending or hearing.late[reference], Accepted)
    wait_until(lambda: len(hearing.receipts) >= len(parts), 90)
