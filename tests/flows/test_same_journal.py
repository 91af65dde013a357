"""Backtest, paper and replay are one engine: three ways through the same data, one journal."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewinds.config import Settings
from tradewinds.model.commands import SubmitOrder
from tradewinds.model.events import HistoryLoaded, InstrumentChanged, RunStarted
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.options import BacktestOptions
from tradewinds.research import backtest as backtesting
from tradewinds.research.rerun import rerun
from tradewinds.sources import past_of
from tradewinds.store import queries
from tradewinds.store.audit import read_entries, verify
from tradewinds.store.database import open_database, sqlite_url
from tradewinds.store.memory import MemoryJournal
from tradewinds.store.payload import EVENT, encode

OWN = (RunStarted, HistoryLoaded)
"""These name the run and its account, which differ by design."""
ENDS = "LTCUSDT"
Entry = tuple[str, int, Any]


@pytest.fixture(scope="module")
def one_day(triangles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first day of real bars and two hours as a file of its own, as an operator would hand it
    over. One market ends after an hour, which is known a day later."""
    table = pq.read_table(triangles)
    times = table.column("ts")
    start = pc.min(times).as_py()
    other = pc.not_equal(table.column("symbol"), ENDS)
    early = pc.less(times, start + timedelta(hours=1))
    path = tmp_path_factory.mktemp("data") / "day.parquet"
    within = pc.less(times, start + timedelta(hours=26))
    pq.write_table(table.filter(pc.and_(within, pc.or_(other, early))), path)
    return path


def environment(settings: Settings) -> dict[str, str]:
    """The same settings for another process."""
    found = {
        f"TRADEWINDS__LIMITS__{key.upper()}": str(value)
        for key, value in settings.limits.model_dump().items()
    }
    for name, section in settings.strategies.items():
        for key, value in section.params.items():
            text = f'"{value}"' if isinstance(value, str) else str(value)
            found[f"TRADEWINDS__STRATEGIES__{name.upper()}__PARAMS__{key.upper()}"] = text
    return os.environ | found


def by_backtest(settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """The backtest command's own loop, with a journal that remembers in place of none."""
    journal = MemoryJournal()
    monkeypatch.setattr(backtesting, "NullJournal", lambda: journal)
    result = backtesting.backtest(settings, past_of(settings, BacktestOptions(path=path)))
    assert result.events == len(journal.events)
    return list(journal.entries)


def by_engine_process(settings: Settings, path: Path, home: Path) -> list[Entry]:
    """A real engine process: asynchronous session, SQLite journal, another hash seed."""
    command = [sys.executable, "-P", "-m", "tradewinds.cli", "engine", "--home", str(home)]
    done = subprocess.run(
        [*command, "--replay", str(path), "--speed", "max", "--no-dashboard"],
        env=environment(settings) | {"PYTHONHASHSEED": "99"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    database = open_database(sqlite_url(home / "tradewinds.db"))
    (account,) = queries.accounts(database)
    assert verify(database, account, home / "anchors" / account).ok
    entries = [(e.kind, e.sequence, e.message) for e in read_entries(database, account)]
    database.dispose()
    return entries


def comparable(entries: list[Entry]) -> list[bytes]:
    """Each entry as bytes, all runs called by one name of the same length."""
    run = next(m.run_id for _, _, m in entries if isinstance(m, RunStarted))
    plain = (encode([entry]) for entry in entries if not isinstance(entry[2], OWN))  # type: ignore[list-item]
    return [encoded.replace(run.encode(), b"0123456789") for encoded in plain]


def test_backtest_paper_and_replay_write_the_same_journal(
    settings: Settings,
    one_day: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: Any,
) -> None:
    past = by_backtest(settings, one_day, monkeypatch)
    paper = by_engine_process(settings, one_day, tmp_path)
    one, other = comparable(past), comparable(paper)
    ends = abs(len(one) - len(other))
    assert ends <= 4, "only what time brings after the last bar may differ"
    first = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    assert first is None, f"entry {first}: {past[first or 0]} / {paper[first or 0]}"
    again = rerun(paper)  # type: ignore[arg-type]
    assert again.ok, again.first_difference
    orders = sum(isinstance(m, SubmitOrder) for _, _, m in paper)
    events = sum(kind == EVENT for kind, _, _ in paper)
    assert orders >= 100
    ended = [m.instrument for _, _, m in paper if isinstance(m, InstrumentChanged)]
    assert [(each.symbol, each.status) for each in ended] == [
        ("LTC/USDT", InstrumentStatus.DELISTED)
    ]
    measured(f"one real day, three ways: {events:,} inputs, {orders} orders, ends differ by {ends}")
