"""The sweep's fills against the event-driven backtest, trade by trade.

The same rules as a strategy of the engine, with its sizing, gate, order manager, protective orders
and simulated venue. Where the models coincide (one spot instrument, one position at a time, fees in
the quote asset, volume to spare, limits that never bind) every trade must be the same one.
"""

from array import array
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
import pytest
from msgspec import Struct, structs

from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean
from tradewinds.features.kernels.contract import Floats, Kernels, Rules, SweepMarket, SweepTrade
from tradewinds.kernels import scenario
from tradewinds.model.commands import Command, RecordTrade
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset, StrategyId, Venue, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.parts import Recipe, engine_settings_of, recipe_text, sim_settings_of
from tradewinds.ports import MarketView, Strategy, Subscription
from tradewinds.research.backtest import opening
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import PAST_BEAT_NS, Past
from tradewinds.store.memory import NullJournal

HOUR_NS = 3_600_000_000_000
START_NS = 1_700_002_800_000_000_000
PLENTY = 1e9
ID = instrument_id("BTC/USDT", Venue("binance"))
LIMITS = {
    "loss_per_trade_max": 1000,
    "loss_per_day_max": 2000,
    "reserve": 0,
    "exposure_per_instrument_max": 0.5,
    "exposure_total_max": 1,
    "collar_bps": 200,
    "slippage_allowance_bps": 20,
    "orders_per_minute_max": 600,
    "kelly_fraction": 0.5,
    "drawdown_scale": 0.97,
    "drawdown_reduce": 0.98,
    "drawdown_halt": 0.99,
    "price_jump_max": 1,
    "leverage_max": 1,
}
"""Only exposure binds: what is compared is the fills. The drawdown ladder, which makes risk smaller
as equity falls, is the engine's alone."""
MARKET = SweepMarket(
    cash=1000.0,
    taker_fee=0.001,
    maker_fee=0.0005,
    slippage=0.0005,
    tick=0.01,
    lot=0.00001,
    risk_money=1000.0,
    exposure=0.5,
    entry_slack=0.01,
    stop_allowance=0.002,
    notional_min=5.0,
)
INSTRUMENT = Instrument(
    id=ID,
    symbol="BTC/USDT",
    venue=Venue("binance"),
    kind=InstrumentKind.SPOT,
    base=Asset("BTC"),
    quote=Asset("USDT"),
    settle=Asset("USDT"),
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(1_000_000),
    min_notional=Decimal(5),
    maker_fee=Decimal("0.0005"),
    taker_fee=Decimal("0.001"),
)
SHORTS = {
    "cross, both ways": Rules(fast=4, slow=15, stop_atr=2.0, shorts=True),
    "breakout, both ways": Rules(
        breakout=True,
        fast=3,
        slow=12,
        channel=5,
        volume_bars=4,
        stop_atr=1.5,
        target_atr=3.0,
        trail_atr=2.0,
        hold_max=12,
        cooldown=2,
        shorts=True,
    ),
}
CASES = {
    "cross": Rules(fast=5, slow=13, stop_atr=2.0),
    "cross, target, time": Rules(fast=3, slow=9, stop_atr=1.0, target_atr=1.5, hold_max=12),
    "cross, trail": Rules(fast=4, slow=20, stop_atr=1.5, trail_atr=2.0, cooldown=4),
    "breakout": Rules(breakout=True, fast=5, slow=20, channel=8, volume_bars=5, stop_atr=2.0),
    "breakout, everything": Rules(
        breakout=True,
        fast=3,
        slow=12,
        channel=5,
        volume_bars=6,
        volume_factor=0.8,
        stop_atr=1.0,
        target_atr=3.0,
        trail_atr=1.5,
        trail_step_atr=0.25,
        hold_max=15,
        cooldown=3,
    ),
}


class Family:
    """The rules of docs/KERNELS.md, written as a strategy is: signals, and nothing about fills."""

    Params: ClassVar[type[Struct]] = Struct

    def __init__(self, rules: Rules) -> None:
        self.strategy_id = StrategyId("family")
        self._rules = rules
        self._fast, self._slow, self._atr = Ema(rules.fast), Ema(rules.slow), Atr(rules.atr)
        self._highs, self._lows = RollingMax(rules.channel), RollingMax(rules.channel)
        self._volumes = RollingMean(rules.volume_bars)
        self._was = (True, True)
        self._bar = -1
        self._free_from = 0
        self._entered = -1
        self._peak = 0.0

    def subscriptions(self) -> Sequence[Subscription]:
        """Its bars."""
        return [Subscription(kind=Bar, instrument_id=ID, timeframe_ns=HOUR_NS)]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """One decision a bar."""
        assert isinstance(event, Bar)
        self._bar += 1
        rules = self._rules
        out = self._breakout(event)
        fast, slow = self._fast.update(event.close), self._slow.update(event.close)
        atr = self._atr.update(event.high, event.low, event.close)
        trade = next(iter(view.open_trades(self.strategy_id)), None)
        self._note(trade, event)
        if trade is not None and 0 < rules.hold_max <= self._bar - self._entered:
            return self._exit(trade)
        if fast is None or slow is None or atr is None or out is None:
            return ()
        was, now = self._was, (fast > slow, fast < slow)
        self._was = now
        if trade is not None:
            return self._manage(trade, event, (fast, slow, atr))
        if self._bar < self._free_from:
            return ()
        for place, side in enumerate((Side.BUY, Side.SELL)[: 1 + rules.shorts]):
            begins = out[place] if rules.breakout else not was[place]
            if now[place] and begins:
                return self._enter(event, atr, side)
        return ()

    def _breakout(self, bar: Bar) -> tuple[bool, bool] | None:
        """Above the highs before, below the lows; None until they are known."""
        high, low, volume = self._highs.value, self._lows.value, self._volumes.value
        self._highs.update(bar.high)
        self._lows.update(-bar.low)
        self._volumes.update(bar.volume)
        if not self._rules.breakout:
            return False, False
        if high is None or low is None or volume is None:
            return None
        ratio = bar.volume / volume if volume > 0.0 else 0.0
        factor = self._rules.volume_factor
        confirmed = ratio > factor or factor == 0.0
        return confirmed and bar.close > high, confirmed and bar.close < -low

    def _note(self, trade: Trade | None, bar: Bar) -> None:
        if trade is None:
            if self._entered >= 0:
                self._entered = -1
                self._free_from = self._bar + self._rules.cooldown
        elif self._entered < 0:
            self._entered = self._bar
            self._peak = float(trade.entry_price)
        elif trade.side is Side.BUY:
            self._peak = max(self._peak, bar.high)
        else:
            self._peak = min(self._peak, bar.low)

    def _manage(
        self, trade: Trade, bar: Bar, known: tuple[float, float, float]
    ) -> Sequence[Signal]:
        fast, slow, atr = known
        rules = self._rules
        sign = 1.0 if trade.side is Side.BUY else -1.0
        still = sign * bar.close >= sign * slow if rules.breakout else sign * fast > sign * slow
        if not still:
            return self._exit(trade)
        if rules.trail_atr <= 0.0:
            return ()
        stop = self._peak - sign * rules.trail_atr * atr
        if sign * stop >= sign * bar.close:
            return self._exit(trade)
        if sign * stop <= sign * float(trade.stop_price) + rules.trail_step_atr * atr:
            return ()
        return (
            StopSignal(
                strategy_id=self.strategy_id,
                trade_id=trade.trade_id,
                stop_price=stop,
                reason="trail",
            ),
        )

    def _exit(self, trade: Trade) -> Sequence[Signal]:
        return (ExitSignal(strategy_id=self.strategy_id, trade_id=trade.trade_id, reason="out"),)

    def _enter(self, bar: Bar, atr: float, side: Side) -> Sequence[Signal]:
        rules = self._rules
        sign = 1.0 if side is Side.BUY else -1.0
        stop = bar.close - sign * rules.stop_atr * atr
        if stop <= 0.0:
            return ()
        self._free_from = self._bar + rules.cooldown
        target = bar.close + sign * rules.target_atr * atr if rules.target_atr else None
        return (
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=ID,
                side=side,
                stop_price=stop,
                target_price=target,
                confidence=0.99,
                reason="in",
            ),
        )


def through_the_engine(
    rules: Rules, rows: Floats, limits: dict[str, float] = LIMITS
) -> tuple[list[Trade], Decimal]:
    """Closed trades, and equity at the end."""
    # Only a perpetual can be sold short; with leverage 1 it is otherwise like spot.
    kind = InstrumentKind.PERPETUAL if rules.shorts else InstrumentKind.SPOT
    return traded_by(Family(rules), structs.replace(INSTRUMENT, kind=kind), rows, limits)


def traded_by(
    strategy: Strategy, instrument: Instrument, rows: Floats, limits: dict[str, float] = LIMITS
) -> tuple[list[Trade], Decimal]:
    """What a strategy makes of the bars."""
    configured = Settings.model_validate({"limits": limits})
    engine_settings = structs.replace(engine_settings_of(configured), selector=False)
    engine = Engine(engine_settings, [strategy])
    balances = {Asset("USDT"): Decimal(1000)}
    venue = SimVenue([instrument], balances, sim_settings_of(configured))
    driver = Driver(engine, venue, NullJournal(), beat_ns=PAST_BEAT_NS, durable=False)
    closed: list[Trade] = []

    def listen(commands: Sequence[Command]) -> None:
        trades = (each.trade for each in commands if isinstance(each, RecordTrade))
        closed.extend(t for t in trades if t.phase is TradePhase.CLOSED and t.entry_quantity)

    driver.listener = listen
    past = Past(
        label="agreement",
        synthetic=True,
        instruments=[instrument],
        blocks=[],
        history={},
        default_params={},
    )
    recipe = recipe_text(Recipe(engine=engine_settings, params={}))
    driver.start(*opening(past, recipe, balances, START_NS))
    for number in range(len(rows) // 5):
        driver.market(bar_of(number, rows))
    equity = engine.floor.portfolio.equity()
    assert equity is not None
    return closed, equity


def bar_of(number: int, rows: Floats) -> Bar:
    open_, high, low, close, volume = rows[5 * number : 5 * number + 5]
    opened_ns = START_NS + number * HOUR_NS
    return Bar(
        instrument_id=ID,
        timeframe_ns=HOUR_NS,
        open_time_ns=opened_ns,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume * PLENTY,
        venue_time_ns=opened_ns + HOUR_NS,
        received_time_ns=opened_ns + HOUR_NS,
    )


def compare(kernels: Kernels, rules: Rules, rows: Floats) -> int:
    """Every trade and the end; how many trades there were."""
    ours = kernels.sweep(rows, MARKET).detail(rules)
    return agree(ours, through_the_engine(rules, rows))


def agree(kernel: tuple[list[SweepTrade], Floats], engine: tuple[list[Trade], Decimal]) -> int:
    """Trade by trade, and at the end."""
    (ours, curve), (theirs, equity) = kernel, engine
    for number, (mine, trade) in enumerate(zip(ours, theirs, strict=False)):
        where = f"trade {number}: {mine} against {trade}"
        assert (trade.closed_time_ns - START_NS - 1) // HOUR_NS == mine.exit_bar, where
        assert float(trade.entry_price) == pytest.approx(mine.entry_price, rel=1e-12), where
        assert float(trade.exit_price) == pytest.approx(mine.exit_price, rel=1e-12), where
        # The engine leaves a millionth of money free at each limit: at most a lot or two.
        assert float(trade.entry_quantity) == pytest.approx(mine.quantity, abs=2.5e-5), where
        assert float(trade.fees) == pytest.approx(mine.fees, rel=1e-3), where
    assert len(ours) == len(theirs)
    assert float(equity) == pytest.approx(curve[-1], rel=1e-5)
    return len(ours)


@pytest.mark.parametrize("rules", CASES.values(), ids=CASES)
def test_every_trade_is_that_of_the_engine(fast: Kernels, rules: Rules) -> None:
    assert compare(fast, rules, scenario.bars(1200)) > 15


@pytest.mark.parametrize("rules", SHORTS.values(), ids=SHORTS)
def test_so_is_every_trade_of_a_perpetual_both_ways(fast: Kernels, rules: Rules) -> None:
    rows = scenario.bars(1200)
    assert compare(fast, rules, rows) > 15
    sides = {trade.side for trade in fast.sweep(rows, MARKET).detail(rules)[0]}
    assert sides == {1.0, -1.0}


def test_on_recorded_bars_too(fast: Kernels, recorded: Path) -> None:
    table = pq.read_table(
        recorded / "spot_binance_1h_2020-01_2024-09_majors.parquet",
        filters=[("symbol", "=", "BTCUSDT")],
    ).slice(0, 1500)
    columns = [table[name].to_pylist() for name in ("open", "high", "low", "close", "volume")]
    rows = array("d", [value for bar in zip(*columns, strict=True) for value in bar])
    assert compare(fast, CASES["breakout, everything"], rows) > 15


def test_a_position_is_sized_by_its_stop_as_the_gate_would(fast: Kernels) -> None:
    rows, rules = scenario.bars(1200), CASES["cross"]
    trades, _ = fast.sweep(rows, structs.replace(MARKET, risk_money=10.0)).detail(rules)
    theirs, _ = through_the_engine(rules, rows, LIMITS | {"loss_per_trade_max": 10})
    assert float(theirs[0].entry_quantity) == pytest.approx(trades[0].quantity, abs=2.5e-5)
    assert float(theirs[0].approved_loss) == pytest.approx(10.0, abs=0.01)
