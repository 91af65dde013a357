"""An engine resumes from the newest word there is, also when the database never got it."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.store.test_emergency import left_aside
from tradewinds import assemble
from tradewinds.config import AccountSettings, Settings
from tradewinds.options import RunOptions


def test_what_was_left_aside_is_taken_in_before_the_checkpoint_is_read(
    tmp_path: Path, some: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A halt, or a close, of the hour in which the database failed must not be forgotten."""
    settings = Settings(account=AccountSettings(name="main"))
    options = RunOptions(home=tmp_path)
    database = assemble.database_of(settings, tmp_path)
    left_aside(database, some, tmp_path / "journal.emergency", account="main-live")
    stood: list[Any] = []

    async def source_of(*_: Any) -> Any:
        feed = SimpleNamespace(label="test", instruments=())
        return SimpleNamespace(kind="live", resumes=True, feed=feed, note="")

    async def trade_on(ground: Any, *_: Any) -> None:
        stood.append(ground.checkpoint)

    monkeypatch.setattr(assemble, "source_of", source_of)
    monkeypatch.setattr(assemble, "_trade_on", trade_on)
    asyncio.run(assemble._trade(settings, options, (None, ()), None))  # type: ignore[arg-type]
    assert stood == [some.checkpoint(3)]
