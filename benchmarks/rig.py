"""Prepared input and wired engines, so that a measurement measures one thing."""

import gc
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tradewinds import parts
from tradewinds.config import load
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.market.synthetic import SyntheticFeed, synthetic_bars
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset
from tradewinds.model.timeframes import DAY_NS
from tradewinds.ports import Journal, Strategy
from tradewinds.research.backtest import opening
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import SYNTHETIC_EPOCH_NS, SYNTHETIC_PARAMS, Past
from tradewinds.store.database import open_database
from tradewinds.store.journal import StoreJournal
from tradewinds.store.memory import NullJournal

SEED = 7
BEAT_NS = 1_000_000_000
SETTINGS = load(None, {"TRADEWINDS_HOME": "/nonexistent"})
FEED = SyntheticFeed(SEED, SYNTHETIC_EPOCH_NS)
BALANCES = {Asset("USDT"): SETTINGS.account.starting_balance}


def quotes_and_more(count: int) -> list[MarketEvent]:
    """Quotes, prints and bars of twelve synthetic instruments, as a feed brings them."""
    return list(islice(FEED.events(), count))


def bars(days: int) -> list[MarketEvent]:
    """1m bars of twelve synthetic instruments."""
    return list(synthetic_bars(SEED, days, SYNTHETIC_EPOCH_NS - SYNTHETIC_EPOCH_NS % DAY_NS))


def wired(
    first_ns: int,
    journal: Journal | None = None,
    extra: Sequence[Strategy] = (),
    history: int = 600,
) -> Driver:
    """All built-in strategies, full risk checks, the simulated venue: as in paper trading."""
    params = parts.params_of(SETTINGS, SYNTHETIC_PARAMS)
    strategies = [*parts.strategies_of(params, FEED.instruments), *extra]
    settings = parts.engine_settings_of(SETTINGS)
    engine = Engine(settings, strategies)
    venue = SimVenue(FEED.instruments, BALANCES, parts.sim_settings_of(SETTINGS))
    durable = journal is not None
    driver = Driver(engine, venue, journal or NullJournal(), beat_ns=BEAT_NS, durable=durable)
    past = Past(
        label="bench",
        synthetic=True,
        instruments=FEED.instruments,
        blocks=(),
        history=FEED.history(history) if history else {},
        default_params={},
    )
    recipe = parts.recipe_text(parts.Recipe(engine=settings, params=params))
    driver.start(*opening(past, recipe, BALANCES, first_ns))
    return driver


def sqlite_journal(folder: Path) -> StoreJournal:
    """A durable journal in a new database."""
    database = open_database(f"sqlite:///{folder / 'bench.db'}")
    return StoreJournal(database, "bench", "bench")


def settle() -> None:
    """The collector as the engine's process sets it after its start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


def timed(run: Callable[[], Any]) -> float:
    """Seconds of one call, with the collector settled before."""
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    run()
    elapsed = time.perf_counter() - began
    gc.unfreeze()
    return elapsed
