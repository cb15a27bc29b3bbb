"""The composition root hands each setting to whoever acts on it."""

from datetime import timedelta
from pathlib import Path

from hantar import app as house
from hantar.dispatch import pulse
from hantar.settings import Settings
from hantar.workers import live


async def test_broadcast_settings_reach_their_users(dsn: str, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        broadcast_cleanup_minutes=1,
        broadcast_max_workers=2,
        broadcast_max_pools=3,
        broadcast_window=4,
        broadcast_check_seconds=5,
        broadcast_log_seconds=6,
    )
    built = house.build(settings, dsn, bytes(32))
    parts = built.web.state.parts
    found = (
        timedelta(seconds=parts[live.Live]._keep),
        built.engine.lanes._per_source,
        built.planner._pools,
        built.planner._window,
        built.watcher._check_every,
        built.teller._every,
    )
    assert found == (timedelta(minutes=1), 2, 3, 4, 5, 6)
    assert parts[pulse.Pulse].figures is built.engine.figures
    await built.db.close()
