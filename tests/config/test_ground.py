from pathlib import Path

from config.ground import make_ground
from config.settings import load_settings
from config.times.clock import FixedClock, SystemClock


def test_a_ground_is_made_while_the_database_and_redis_are_still_starting(tmp_path: Path) -> None:
    settings = load_settings({"ONECERT_DATA": str(tmp_path)})
    ground = make_ground(settings)
    assert ground.settings is settings
    assert abs(ground.clock.now() - SystemClock().now()) < 2000
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]


def test_everything_on_a_ground_asks_the_same_clock(tmp_path: Path) -> None:
    clock = FixedClock(1_795_327_500_000)
    ground = make_ground(load_settings({"ONECERT_DATA": str(tmp_path)}), clock)
    assert ground.clock is ground.keys._clock is ground.secrets._clock is clock
