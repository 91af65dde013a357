"""Composition root: the only place that knows modes and concrete classes."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import uvloop

from tradewinds.bus.local import LocalBusServer
from tradewinds.config import Settings, database_url
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.run import Session, Terms
from tradewinds.engine.words import Door
from tradewinds.logs import Log, to_file
from tradewinds.market.derive import Deriver
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.errors import AccountInUse, BusUnavailable, DataError, StoreUnavailable
from tradewinds.model.events import HistoryLoaded, RunStarted
from tradewinds.model.ids import RunId, run_id
from tradewinds.options import BacktestOptions, RunOptions
from tradewinds.parts import (
    Recipe,
    engine_settings_of,
    params_of,
    recipe_text,
    sim_settings_of,
    strategies_of,
    timeframes_of,
)
from tradewinds.ports import Outlet
from tradewinds.research.backtest import BacktestResult
from tradewinds.research.backtest import backtest as run_backtest
from tradewinds.research.rerun import ReplayResult, rerun
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import Source, past_of, source_of
from tradewinds.store import queries
from tradewinds.store.audit import read_entries
from tradewinds.store.database import Database, open_database
from tradewinds.store.emergency import EmergencyJournal
from tradewinds.store.journal import StoreJournal
from tradewinds.store.lease import Lease

__all__ = ["BacktestOptions", "BacktestResult", "ReplayResult", "backtest", "run_engine"]

LEASE_TTL_NS = 15_000_000_000
LEASE_EVERY_S = 5
GC_THRESHOLD = 50_000


class BusServer(Outlet, Protocol):
    """A server of the bus, whichever way it carries."""

    async def start(self) -> None:
        """Listen. Raises BusUnavailable."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


def backtest(settings: Settings, options: BacktestOptions) -> BacktestResult:
    """Trade the past. Raises DataError for data that cannot be used."""
    return run_backtest(settings, past_of(settings, options), options.strategies)


def database_of(settings: Settings, home: Path) -> Database:
    """The store, ready to use."""
    return open_database(database_url(settings, home))


def replay_journal(settings: Settings, home: Path, wanted: str | None) -> ReplayResult:
    """Run a journalled run again, the newest if none is named, and compare."""
    database = database_of(settings, home)
    runs = {
        run.run_id: (name, run)
        for name in queries.accounts(database)
        for run in queries.runs(database, name)
    }
    chosen = [pair for run_id_, pair in runs.items() if wanted in (None, run_id_)]
    if not chosen:
        known = ", ".join(runs) or "none"
        raise DataError(f"no run {wanted or ''} in the journal; there are: {known}")
    account, run = max(chosen, key=lambda pair: pair[1].started_ns)
    entries = read_entries(database, account, run.run_id)
    return rerun((entry.kind, entry.sequence, entry.message) for entry in entries)


def run_engine(settings: Settings, options: RunOptions) -> int:
    """The engine process, until it is stopped. Returns its exit code."""
    to_file(options.home / "logs" / "engine.log")
    uvloop.run(_engine(settings, options))
    return 0


async def _engine(settings: Settings, options: RunOptions) -> None:
    """One engine per data folder: the socket's lock comes before everything else."""
    door = Door()
    servers: list[BusServer] = [LocalBusServer(options.home / "run" / "engine.sock", door.answer)]
    if settings.store.redis_url:
        from tradewinds.bus.redis import RedisBusServer

        servers.append(RedisBusServer(settings.store.redis_url, door.answer))
    try:
        for bus in servers:
            await _listen(bus)
        await _trade(settings, options, door, servers)
    finally:
        for bus in servers:
            await bus.close()


async def _listen(bus: BusServer) -> None:
    try:
        await bus.start()
    except BusUnavailable as error:
        if isinstance(error.__cause__, BlockingIOError):
            raise AccountInUse(str(error)) from error
        raise


async def _trade(
    settings: Settings,
    options: RunOptions,
    door: Door,
    servers: Sequence[BusServer],
) -> None:
    log = Log("engine")
    source = await source_of(settings, options)
    run = run_id(settings.account.name, time.time_ns())
    account = _account(settings, source, run)
    _note_account(options.home, account)
    log.info("source_chosen", label=source.feed.label, account=account, note=source.note)
    database = database_of(settings, options.home)
    lease = Lease(database, account, run)
    lease.acquire(time.time_ns(), LEASE_TTL_NS)
    try:
        session = _session(settings, options, source, (database, lease, run, account))
        door.words = session.words
        session.outlets = servers
        await _serve(session)
    finally:
        _release(lease, log)
        log.info("engine_stopped", account=account)


def _release(lease: Lease, log: Log) -> None:
    try:
        lease.release()
    except StoreUnavailable as error:
        log.warning("lease_not_released", reason=str(error), effect="it expires by itself")


def _session(
    settings: Settings,
    options: RunOptions,
    source: Source,
    owned: tuple[Database, Lease, RunId, str],
) -> Session:
    """Everything wired, the run's first events taken."""
    database, lease, run, account = owned
    instruments = tuple(source.feed.instruments)
    params = params_of(settings, source.default_params)
    strategies = strategies_of(params, instruments)
    engine_settings = engine_settings_of(settings)
    balances = {engine_settings.currency: settings.account.starting_balance}
    venue = SimVenue(instruments, balances, sim_settings_of(settings))
    checkpoint = _checkpoint(database, account, resumes=source.resumes and not options.fresh)
    if checkpoint is not None:
        venue.restore(checkpoint)
    journal = StoreJournal(
        database,
        account,
        run,
        anchor_path=options.home / "anchors" / account,
        emergency=EmergencyJournal(options.home / "journal.emergency"),
    )
    engine = Engine(engine_settings, strategies)
    driver = Driver(engine, venue, journal, beat_ns=source.beat_ns)
    deriver = Deriver(timeframes_of(strategies), from_prints_ns=source.prints_bar_ns)
    driver.derive = deriver.add
    if source.watch is not None:
        source.watch(driver.instrument_changed)
    now_ns = source.start_ns
    driver.start(
        RunStarted(
            run_id=run,
            account=account,
            instruments=instruments,
            opening_balances=balances,
            checkpoint=checkpoint,
            settings=recipe_text(Recipe(engine=engine_settings, params=params)),
            venue_time_ns=now_ns,
            received_time_ns=now_ns,
        ),
        _history(source),
    )
    terms = Terms(
        account=account,
        mode="paper",
        synthetic=source.synthetic,
        starting_equity=settings.account.starting_balance,
        pid=os.getpid(),
        status_path=options.home / "run" / "status.json",
        unpaced=options.speed == float("inf"),
        stop_at_end=options.no_dashboard and options.replay is not None,
        every_second=_renewer(lease),
        journal_sequence=lambda: journal.head.number,
    )
    return Session(driver, source.feed, source.clock, terms)


def _history(source: Source) -> HistoryLoaded:
    return HistoryLoaded(
        bars=tuple(bar for bars in source.history.values() for bar in bars),
        venue_time_ns=source.start_ns,
        received_time_ns=source.start_ns,
    )


def _account(settings: Settings, source: Source, run: RunId) -> str:
    """Live, recorded and synthetic results never mix; what does not resume begins anew."""
    name = f"{settings.account.name}-{source.kind}"
    return name if source.resumes else f"{name}-{run}"


def _note_account(home: Path, account: str) -> None:
    """For `report`, `audit` and the pages: which account the last run in this folder traded."""
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "run" / "account").write_text(account, "utf-8")


def _checkpoint(database: Database, account: str, *, resumes: bool) -> Checkpoint | None:
    return queries.checkpoint(database, account) if resumes else None


def _renewer(lease: Lease) -> Callable[[], None]:
    """Renews every few seconds. Losing the lease ends the engine: it must not trade on."""
    calls = 0
    log = Log("engine")

    def every_second() -> None:
        nonlocal calls
        calls += 1
        if calls < LEASE_EVERY_S:
            return
        try:
            lease.renew(time.time_ns())
            calls = 0
        except StoreUnavailable as error:
            # Nothing new is risked while the store fails; it is tried again in a second.
            log.warning("lease_not_renewed", reason=str(error))

    return every_second


async def _serve(session: Session) -> None:
    """The session, until a signal or its end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, session.stop)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    await session.run()
