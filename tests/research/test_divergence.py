"""A backtest of the same hours: the same where the venue was the same, else a bridge that adds."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.research.made import FIRST_NS, task_on
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.market.derive import Deriver
from tradewinds.model.errors import DataError
from tradewinds.model.events import HistoryLoaded
from tradewinds.parts import (
    Recipe,
    engine_settings_of,
    params_of,
    recipe_text,
    sim_settings_of,
    strategies_of,
    timeframes_of,
)
from tradewinds.research.backtest import opening
from tradewinds.research.divergence import Divergence, Entry, Traded, backtested, divergence, traded
from tradewinds.research.trial import Task
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import PAST_BEAT_NS, past_of
from tradewinds.store.memory import MemoryJournal

NEAR_NS = 60_000_000_000


@pytest.fixture
def task(write_bars: Callable[..., Path], plant: Callable[..., None]) -> Task:
    plant(wavy="tests.research.planted:Wavy")
    return task_on(write_bars(24 * 20, ("BTCUSDT", "ETHUSDT")), {"wavy": {"timeframe_hours": 4}})


def journal_of(task: Task, sim: SimSettings, fee_factor: int = 1) -> list[Entry]:
    """A paper run, as its journal has it: the way `run` drives, with a venue of its own."""
    past = past_of(task.settings, task.options)
    params = params_of(task.settings, {})
    base = engine_settings_of(task.settings)
    strategies = strategies_of(params, past.instruments, task.strategies)
    balances = {base.currency: Decimal(1000)}
    journal = MemoryJournal()
    dearer = [
        msgspec.structs.replace(each, taker_fee=each.taker_fee * fee_factor)
        for each in past.instruments
    ]
    venue = SimVenue(dearer, balances, sim)
    driver = Driver(Engine(base, strategies), venue, journal, beat_ns=PAST_BEAT_NS)
    driver.derive = Deriver(timeframes_of(strategies)).add
    kept = {name: params[name] for name in task.strategies}
    text = recipe_text(Recipe(engine=base, params=kept))
    driver.start(*opening(past, text, balances, FIRST_NS))
    for block in past.blocks:
        for event in block:
            driver.market(event)
    return [(kind, message) for kind, _, message in journal.entries]


def compared(task: Task, sim: SimSettings) -> tuple[Traded, Divergence]:
    run = traded(journal_of(task, sim), "paper-replay")
    shadow = backtested(run, sim_settings_of(task.settings))
    return run, divergence(run, shadow, NEAR_NS)


def adds_up(found: Divergence) -> bool:
    return sum(row.amount for row in found.bridge[:-1]) == found.bridge[-1].amount


def test_the_same_venue_gives_the_same_to_the_last_digit(task: Task) -> None:
    run, found = compared(task, sim_settings_of(task.settings))
    assert len(run.account.trades) > 5
    assert found.same
    assert adds_up(found)
    assert found.bridge[0].amount == found.bridge[-1].amount != 0
    assert all(pair.backtest and pair.traded for pair in found.pairs)


def test_a_dearer_venue_is_seen_in_slippage_and_in_a_bridge_that_adds_up(task: Task) -> None:
    dear = msgspec.structs.replace(sim_settings_of(task.settings), slippage_bps=Decimal(12))
    _, found = compared(task, dear)
    rows = {row.name: row.amount for row in found.bridge}
    assert adds_up(found)
    assert not found.same
    assert rows["entry prices"] < 0
    entered = next(row for row in found.slippage if row.purpose.value == "enter")
    assert entered.traded_bps is not None
    assert entered.backtest_bps is not None
    assert entered.traded_bps > entered.backtest_bps + 3


def test_fees_that_nobody_told_the_backtest_of_are_on_their_own_step(task: Task) -> None:
    sim = sim_settings_of(task.settings)
    run = traded(journal_of(task, sim, fee_factor=3), "paper-replay")
    found = divergence(run, backtested(run, sim), NEAR_NS)
    rows = {row.name: row.amount for row in found.bridge}
    assert adds_up(found)
    more = sum(p.traded.fees - p.backtest.fees for p in found.pairs if p.traded and p.backtest)
    assert rows["fees"] == -more < 0
    others = [rows[name] for name in ("entry prices", "exit prices", "quantities")]
    assert max(map(abs, others)) < more / 2


def test_a_venue_that_lost_an_order_is_a_missed_trade(task: Task) -> None:
    """So dear that entries would pay more than their limit: they expire."""
    dear = msgspec.structs.replace(sim_settings_of(task.settings), slippage_bps=Decimal(25))
    run, found = compared(task, dear)
    assert adds_up(found)
    assert len(run.account.trades) < len([p for p in found.pairs if p.backtest])
    alone = -sum(p.backtest.realised for p in found.pairs if p.backtest and not p.traded)
    rows = {row.name: row.amount for row in found.bridge}
    assert rows["trades only in the backtest"] == alone != 0


def test_a_signal_that_only_one_side_had_is_told_with_the_refusal(task: Task) -> None:
    entries = journal_of(task, sim_settings_of(task.settings))
    run = traded(entries, "paper-replay")
    first = run.account.wanted[0]
    poorer = msgspec.structs.replace(run.account, wanted=run.account.wanted[1:])
    missing = msgspec.structs.replace(run, account=poorer)
    shadow = backtested(run, sim_settings_of(task.settings))
    (found,) = divergence(missing, shadow, NEAR_NS).missed
    assert (found.only_in, found.time_ns) == ("backtest", first.time_ns)
    assert found.instrument_id == first.instrument_id


def test_a_journal_without_a_beginning_is_refused() -> None:
    history = HistoryLoaded(bars=(), venue_time_ns=1, received_time_ns=1)
    with pytest.raises(DataError, match="no start"):
        traded([("e", history)], "paper")
