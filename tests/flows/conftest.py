"""Whole flows over real and synthetic data: parameters small enough that something happens."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.market.derive import Deriver
from tradewinds.model.events import EmergencyStop, MarketEvent, ResumeTrading
from tradewinds.model.portfolio import TradingState
from tradewinds.options import BacktestOptions
from tradewinds.parts import (
    Recipe,
    engine_settings_of,
    opening_of,
    params_of,
    recipe_text,
    sim_settings_of,
    strategies_of,
    timeframes_of,
)
from tradewinds.research.backtest import opening
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import PAST_BEAT_NS, Past, past_of
from tradewinds.store.memory import MemoryJournal

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
FIRST_DAY_NS = 1_618_876_800_000_000_000 + DAY_NS
"""2021-04-21, the first whole day of the recording."""
BUSY = {
    "timeframe": "1m",
    "breakout_bars": 30,
    "volume_bars": 20,
    "volume_factor": 1.0,
    "ema_fast_bars": 10,
    "ema_slow_bars": 30,
    "atr_bars": 14,
    "stop_atr": 4.0,
    "trail_atr": 5.0,
    "cost_factor": 1.0,
    "move_atr": 20.0,
    "allowance_bps": 0.0,
    "cooldown_bars": 5,
    "hold_bars_max": 60,
    "positions_max": 3,
    "turnover_min": 0.0,
    "age_bars_min": 0,
    "rank_share_max": 1.0,
    "breadth_min": 0.0,
    "correlation_max": 1.0,
    "larger_agree": 0,
}
"""Momentum that trades many times a day. It loses money by its costs, and is not meant not to."""
EAGER = {
    "edge_min_bps": 0.0,
    "safety_bps": 0.0,
    "cooldown_ms": 0,
    "latency_ms": 0,
    "failure_chance": 0.0,
}
"""Triangles without a margin of safety, so that some break on the way."""
PATIENT = {"loss_per_day_max": 500, "drawdown_halt": 0.9, "drawdown_reduce": 0.8}
"""Limits that let it go on losing: here it is the decisions that count."""


def busy_settings() -> Settings:
    """All strategies, momentum busy."""
    tree: dict[str, Any] = {
        "strategies": {
            "triangular": {"params": EAGER},
            "momentum": {"params": BUSY},
            "scalping": {},
        },
        "limits": PATIENT,
    }
    return Settings.model_validate(tree)


@pytest.fixture(scope="session")
def triangles(recorded: Path) -> Path:
    """A month of real 1m bars."""
    return recorded / "triangles_binance_1m_2021-04-20_2021-05-20.parquet"


@pytest.fixture(scope="session")
def settings() -> Settings:
    """For every way of running it."""
    return busy_settings()


@pytest.fixture(scope="session")
def real_days(settings: Settings, triangles: Path) -> Past:
    """Two days of all 1m bars."""
    options = BacktestOptions(
        path=triangles, start_ns=FIRST_DAY_NS, end_ns=FIRST_DAY_NS + 2 * DAY_NS
    )
    past = past_of(settings, options)
    return Past(
        label=past.label,
        synthetic=False,
        instruments=past.instruments,
        blocks=[list(block) for block in past.blocks],
        history={},
        default_params={},
    )


class Run:
    """The backtest's way of driving, with a journal that keeps everything."""

    def __init__(self, settings: Settings, past: Past, beat_ns: int = PAST_BEAT_NS) -> None:
        params = params_of(settings, past.default_params)
        self.strategies = strategies_of(params, past.instruments)
        engine_settings = engine_settings_of(settings)
        self.balances = opening_of(settings)
        self.engine = Engine(engine_settings, self.strategies)
        self.venue = SimVenue(past.instruments, self.balances, sim_settings_of(settings))
        self.journal = MemoryJournal()
        self.driver = Driver(self.engine, self.venue, self.journal, beat_ns=beat_ns)
        self.driver.derive = Deriver(timeframes_of(self.strategies)).add
        recipe = recipe_text(Recipe(engine=engine_settings, params=params))
        first = next(iter(past.blocks))[0].received_time_ns
        self.start_ns = first
        self.opening = opening(past, recipe, self.balances, first)

    def over(self, blocks: Iterable[Sequence[MarketEvent]], *, stopped: bool = False) -> "Run":
        """Trade it all. `stopped`: the operator's emergency stop whenever two positions are open,
        and on again an hour later.
        """
        self.driver.start(*self.opening)
        resume_ns = 0
        for block in blocks:
            for event in block:
                self.driver.market(event)
                if stopped and event.received_time_ns >= resume_ns:
                    resume_ns = self._stop_or_resume(event.received_time_ns, resume_ns)
        return self

    def _stop_or_resume(self, now_ns: int, resume_ns: int) -> int:
        times = {"venue_time_ns": now_ns, "received_time_ns": now_ns}
        if self.engine.floor.breaker.state is TradingState.HALTED:
            self.driver.inject(ResumeTrading(command_id="r", **times))
        elif sum(t.quantity > 0 for t in self.engine.floor.portfolio.trades.values()) >= 2:
            self.driver.inject(EmergencyStop(command_id="e", reason="test", **times))
            return now_ns + HOUR_NS
        return resume_ns

    def count(self, kind: type) -> int:
        return sum(isinstance(command, kind) for command in self.journal.commands)


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    """A run that has not begun."""
    return Run


@pytest.fixture(scope="session")
def real_run(settings: Settings, real_days: Past) -> Run:
    """Two real days, traded once for all tests that read it."""
    return Run(settings, real_days).over(real_days.blocks, stopped=True)
