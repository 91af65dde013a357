"""Composition root: the only place that knows modes and concrete classes."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import uvloop
from msgspec import Struct, structs

from tradewinds import accounts
from tradewinds.bus.local import LocalBusServer
from tradewinds.config import Settings, database_url
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.run import Session, Terms, VenueLost
from tradewinds.engine.words import Door
from tradewinds.logs import Log, to_file
from tradewinds.market.derive import Deriver
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.errors import AccountInUse, BusUnavailable, ConfigError, DataError
from tradewinds.model.events import HistoryLoaded, RunStarted
from tradewinds.model.ids import Asset, RunId, run_id
from tradewinds.options import PAPER, BacktestOptions, RunOptions
from tradewinds.parts import (
    NO_TERMS,
    Holder,
    Recipe,
    VenueTerms,
    engine_settings_of,
    inventory_of,
    opening_of,
    params_of,
    recipe_text,
    sim_settings_of,
    strategies_of,
    timeframes_of,
)
from tradewinds.ports import DrivenVenue, Outlet
from tradewinds.research.backtest import BacktestResult
from tradewinds.research.backtest import backtest as run_backtest
from tradewinds.research.program import program
from tradewinds.research.rerun import ReplayResult, rerun
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import Source, past_of, source_of
from tradewinds.store import queries
from tradewinds.store.audit import read_entries
from tradewinds.store.database import Database, open_database
from tradewinds.store.emergency import EmergencyJournal, recover
from tradewinds.store.journal import StoreJournal
from tradewinds.store.lease import Lease

if TYPE_CHECKING:
    from tradewinds.engagement import Engagement
    from tradewinds.vault.secret import Secret
    from tradewinds.venues import Reach

__all__ = ["BacktestOptions", "BacktestResult", "ReplayResult", "backtest", "run_engine"]

GC_THRESHOLD = 50_000
ASIDE = "journal.emergency"


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


def run_engine(settings: Settings, options: RunOptions, secret: "Secret | None" = None) -> int:
    """The engine process, until it is stopped. Returns its exit code. `secret` opens the vault."""
    to_file(options.home / "logs" / "engine.log")
    uvloop.run(_engine(settings, options, secret))
    return 0


async def _engine(settings: Settings, options: RunOptions, secret: "Secret | None") -> None:
    """One engine per data folder: the socket's lock comes before everything else."""
    door = Door()
    servers: list[BusServer] = [LocalBusServer(options.home / "run" / "engine.sock", door.answer)]
    if settings.store.redis_url:
        from tradewinds.bus.redis import RedisBusServer

        servers.append(RedisBusServer(settings.store.redis_url, door.answer))
    try:
        for bus in servers:
            await _listen(bus)
        await _trade(settings, options, (door, servers), secret)
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


Doors = tuple[Door, Sequence[BusServer]]


class Ground(Struct, frozen=True, kw_only=True):
    """What one run stands on. `engagement` None: the venue is simulated."""

    settings: Settings
    options: RunOptions
    source: Source
    database: Database
    lease: Lease
    run: RunId
    account: str
    checkpoint: Checkpoint | None
    own_runs: frozenset[RunId] = frozenset()
    engagement: "Engagement | None" = None
    terms: VenueTerms = NO_TERMS
    holders: tuple[Holder, ...] = ()


async def _trade(
    settings: Settings, options: RunOptions, doors: "Doors", secret: "Secret | None"
) -> None:
    """Paper by default; anything else needs a way to a venue first. What the database did not take
    in its bad hour is taken in before anybody looks where the account was left."""
    database = database_of(settings, options.home)
    recover(database, options.home / ASIDE)
    if options.mode == PAPER:
        source = await source_of(settings, options)
        await _trade_on(_ground(settings, options, source, database), None, doors)
        return
    from tradewinds import going_live, venues

    reach, terms = await going_live.reach_for(settings, options, secret)
    try:
        account = f"{settings.account.name}-{venues.kind_of(reach)}"
        holders = await venues.patiently("whose account it is", lambda: venues.holders_of(reach))
        accounts.require_same_holders(database, account, holders)
        named = options.symbols or settings.feed.symbols
        wanted = venues.symbols_at(reach, named, settings.account.currency)
        symbols = tuple(dict.fromkeys((*wanted, *accounts.symbols_held(database, account))))
        source = await venues.patiently(
            "its market", lambda: venues.source_at(reach, settings, symbols)
        )
        ground = _ground(settings, options, source, database)
        ground = structs.replace(ground, terms=terms, holders=holders)
        await _trade_on(ground, reach, doors)
    finally:
        await venues.leave(reach)


def _ground(settings: Settings, options: RunOptions, source: Source, database: Database) -> Ground:
    """The account is ours alone from here on."""
    run = run_id(settings.account.name, time.time_ns())
    account = accounts.account_of(settings, source, run)
    accounts.note_account(options.home, account)
    Log("engine").info("source_chosen", label=source.feed.label, account=account, note=source.note)
    lease = Lease(database, account, run)
    lease.acquire(time.time_ns(), accounts.LEASE_TTL_NS)
    resumes = source.resumes and not options.fresh
    return Ground(
        settings=settings,
        options=options,
        source=source,
        database=database,
        lease=lease,
        run=run,
        account=account,
        checkpoint=accounts.checkpoint_of(database, account, resumes=resumes),
    )


async def _trade_on(ground: Ground, reach: "Reach | None", doors: "Doors") -> None:
    log, (door, servers) = Log("engine"), doors
    try:
        if reach is not None:
            ground = await _engaged(ground, reach)
        session, driver = _session(_stocked(ground))
        door.words = session.words
        session.outlets = servers
        try:
            await _serve(session)
        except VenueLost as lost:
            await _close_what_is_open(ground, driver, lost)
            raise
    finally:
        if ground.engagement is not None:
            await ground.engagement.close()
        accounts.release(ground.lease, log)
        log.info("engine_stopped", account=ground.account)


async def _engaged(ground: Ground, reach: "Reach") -> Ground:
    """The venue's state has been read; its money is what the account opens with."""
    from tradewinds.engagement import Engagement

    engagement = Engagement(reach, ground.source.feed.instruments)
    try:
        taken_over = ground.options.take_over
        runs = accounts.runs_of(ground.database, ground.account, taken_over)
        ended = accounts.runs_ended(ground.database)
        await engagement.begin(ground.checkpoint, runs, ended)
        accounts.require_money(engagement.opening(_currency(ground)), ground.settings)
    except ConfigError:
        await engagement.close()
        raise
    return structs.replace(ground, engagement=engagement, own_runs=runs)


def _stocked(ground: Ground) -> Ground:
    """With what the settings have named as inventory since the account was left."""
    engagement = ground.engagement
    state = None if engagement is None else engagement.state
    balances = None if state is None else state.balances
    named = inventory_of(ground.settings)
    checkpoint = accounts.with_inventory(ground.checkpoint, named, balances)
    return structs.replace(ground, checkpoint=checkpoint)


async def _close_what_is_open(ground: Ground, driver: Driver, lost: VenueLost) -> None:
    assert ground.engagement is not None
    log = Log("engine")
    log.error("venue_lost", reason=str(lost), effect="closing everything, then this engine ends")
    flat = await ground.engagement.flatten(str(lost))
    log.error("closed_after_a_bug", flat=flat)


def _currency(ground: Ground) -> Asset:
    return Asset(ground.settings.account.currency)


def _session(ground: Ground) -> tuple[Session, Driver]:
    """Everything wired, the run's first events taken."""
    settings, source, engagement = ground.settings, ground.source, ground.engagement
    instruments = tuple(source.feed.instruments)
    params = ground.terms.only(params_of(settings, source.default_params))
    strategies = strategies_of(params, instruments, markets=ground.terms.markets)
    engine_settings = ground.terms.within(engine_settings_of(settings))
    opening = opening_of(settings)
    if engagement is not None:
        opening = engagement.opening(engine_settings.currency, engine_settings.inventory)
        money = (engine_settings.currency, opening[engine_settings.currency])
        small = accounts.too_small(instruments, engine_settings.limits, money)
        if small:
            Log("engine").warning("too_little_money_to_trade", symbols=", ".join(small))
    journal = StoreJournal(
        ground.database,
        ground.account,
        ground.run,
        anchor_path=ground.options.home / "anchors" / ground.account,
        emergency=EmergencyJournal(ground.options.home / ASIDE),
    )
    engine = Engine(engine_settings, strategies)
    driver = Driver(engine, _venue(ground, opening), journal, beat_ns=source.beat_ns)
    deriver = Deriver(timeframes_of(strategies), from_prints_ns=source.prints_bar_ns)
    driver.derive = deriver.add
    if source.watch is not None:
        source.watch(driver.instrument_changed)
    now_ns = source.start_ns
    recipe = Recipe(
        engine=engine_settings,
        params=params,
        terms=ground.terms.told,
        markets=ground.terms.markets,
        holders=ground.holders,
        program=program(),
    )
    driver.start(
        RunStarted(
            run_id=ground.run,
            account=ground.account,
            instruments=instruments,
            opening_balances=opening,
            checkpoint=ground.checkpoint,
            settings=recipe_text(recipe),
            own_runs=None if engagement is None else tuple(sorted(ground.own_runs)),
            venue_time_ns=now_ns,
            received_time_ns=now_ns,
        ),
        _history(source),
        *(() if engagement is None else engagement.first()),
    )
    terms = _terms(ground, driver, journal)
    return Session(driver, source.feed, source.clock, terms), driver


def _venue(ground: Ground, opening: dict[Asset, Decimal]) -> DrivenVenue:
    if ground.engagement is not None:
        return ground.engagement.venue
    simulated = SimVenue(ground.source.feed.instruments, opening, sim_settings_of(ground.settings))
    if ground.checkpoint is not None:
        simulated.restore(ground.checkpoint)
    return simulated


def _terms(ground: Ground, driver: Driver, journal: StoreJournal) -> Terms:
    options, engagement = ground.options, ground.engagement
    equity = ground.settings.account.starting_balance
    if engagement is not None or ground.settings.account.inventory:
        # A first start has just booked what it opened with; later ones what came and went since.
        moved = driver.engine.floor.breaker.shifted
        equity = queries.capital(ground.database, ground.account) - moved
    return Terms(
        account=ground.account,
        mode=options.mode,
        synthetic=ground.source.synthetic,
        starting_equity=equity,
        pid=os.getpid(),
        status_path=options.home / "run" / "status.json",
        unpaced=options.speed == float("inf"),
        stop_at_end=options.no_dashboard and options.replay is not None,
        every_second=accounts.renewer(ground.lease),
        journal_sequence=lambda: journal.head.number,
        at_venue=None if engagement is None else engagement.at_venue(driver),
    )


def _history(source: Source) -> HistoryLoaded:
    return HistoryLoaded(
        bars=tuple(bar for bars in source.history.values() for bar in bars),
        venue_time_ns=source.start_ns,
        received_time_ns=source.start_ns,
    )


async def _serve(session: Session) -> None:
    """The session, until a signal or its end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, session.stop)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    await session.run()
