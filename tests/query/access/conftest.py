"""Sessions, budgets and tickets are tried on the JSON door's fixtures."""

from tests.config.conftest import bell as bell
from tests.config.conftest import keys as keys
from tests.config.conftest import redis as redis
from tests.miniprogram_api.conftest import app as app
from tests.miniprogram_api.conftest import citizen as citizen
from tests.miniprogram_api.conftest import client as client
from tests.miniprogram_api.conftest import door as door
