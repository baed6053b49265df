"""Which driver a link gets, and a driver whose library is not installed."""

from __future__ import annotations

from importlib import import_module

import pytest

from config.ground import Ground
from sms_port.links import drivers
from sms_port.links.link import Dispatch, NotSent
from sms_port.models import Lane
from sms_port.sending.link_pool import LinkPool
from tests.support.factories import LAUNCH_DAY


def test_a_link_whose_library_is_missing_takes_nothing_and_says_so(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(drivers.DRIVERS, "http", ("sms_port.links.nowhere", "NoLink"))
    pool = LinkPool(ground, lambda db, outcomes: None)
    link = pool.link(ground.catalogues.current().links[0])
    assert link.status == "driver_not_installed"
    assert pool.capacity(Lane.CODE) == {"main": 0}
    assert link.send([Dispatch("a", "1", "2", ("x",), LAUNCH_DAY)]) == {"a": NotSent("no_driver")}
    pool.close()


@pytest.mark.parametrize("driver", list(drivers.DRIVERS))
def test_every_driver_of_the_catalogue_is_there(driver: str) -> None:
    module, name = drivers.DRIVERS[driver]
    assert hasattr(import_module(module), name)
