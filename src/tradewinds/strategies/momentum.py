"""Momentum: buys strength that breaks out on volume and outdoes others, sells when it fades.

Idea: over days, what has been rising in crypto has tended to go on rising, and a few long runs
pay for many small losses. Costs: two taker fees, spread and slippage, so the move to expect must
be several times that. It loses in markets that go sideways (each breakout fails), when a crash
gaps through the stop, and in years in which the effect is simply not there.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from tradewinds.features.kernels.contract import Rules
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import StrategyId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.model.symbols import DOLLARS
from tradewinds.model.timeframes import parse_timeframe
from tradewinds.ports import BarHistory, MarketView, Subscription
from tradewinds.strategies.trend import Trend
from tradewinds.strategies.universe import Member, Universe, correlation

_MS = 1_000_000
_BPS = 10_000.0

CONFIDENCE = 0.507
"""The probability at which an even bet would deserve the same Kelly share: at a quarter of Kelly
0.35 % of equity. Breakouts lose more often than they win, and what they earn comes from the size
of the winners. Kept low and flat, because the past says little about the size of an edge.
"""

Bars = Annotated[int, Meta(ge=2, le=5000)]
AtrMultiple = Annotated[float, Meta(gt=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
AssetName = Annotated[str, Meta(min_length=1, max_length=20)]


class MomentumParams(Struct, frozen=True, kw_only=True):
    """Lengths in bars of `timeframe`; `*_atr` in multiples of the average true range.

    `assets` limits the base assets where it is not empty. `turnover_min` is in the quote asset a
    day, the mean of a week: liquidity, and what stands for capitalisation; `turnover_max` leaves
    out what is larger, 0 nothing. `rank_share_max`: only the strongest part of the universe;
    `breadth_min`: only while so large a part of it rises; `correlation_max`: only what moves less
    alike than this with everything held; `larger_agree`: in so many of the larger timeframes (4
    and 24 bars) the trend must be up. `allowance_bps` stands for spread and slippage of a
    round trip; `move_atr` is the move a breakout may hope for.
    """

    timeframe: Literal["1m", "5m", "15m", "1h", "4h", "1d"] = "1h"
    quote_assets: tuple[AssetName, ...] = ("USDT",)
    assets: tuple[AssetName, ...] = ()
    turnover_min: Annotated[float, Meta(ge=0)] = 1_000_000.0
    turnover_max: Annotated[float, Meta(ge=0)] = 0.0
    age_bars_min: Annotated[int, Meta(ge=0, le=100_000)] = 500
    rank_share_max: Share = 0.5
    breadth_min: Share = 0.5
    correlation_max: Share = 0.85
    larger_agree: Annotated[int, Meta(ge=0, le=2)] = 2
    breakout_bars: Bars = 168
    volume_bars: Bars = 48
    volume_factor: Annotated[float, Meta(ge=0, le=100)] = 1.5
    ema_fast_bars: Bars = 48
    ema_slow_bars: Bars = 336
    atr_bars: Bars = 24
    stop_atr: AtrMultiple = 7.0
    trail_atr: AtrMultiple = 7.0
    trail_step_atr: Annotated[float, Meta(ge=0, le=10)] = 0.25
    move_atr: AtrMultiple = 10.0
    cost_factor: Annotated[float, Meta(ge=1, le=100)] = 3.0
    allowance_bps: Annotated[float, Meta(ge=0, le=1000)] = 10.0
    hold_bars_max: Bars = 480
    cooldown_bars: Annotated[int, Meta(ge=0, le=5000)] = 24
    positions_max: Annotated[int, Meta(ge=1, le=100)] = 5
    bar_age_max_ms: Annotated[int, Meta(ge=100, le=86_400_000)] = 30_000

    def __post_init__(self) -> None:
        """Rules between two settings."""
        if self.ema_fast_bars >= self.ema_slow_bars:
            raise ValueError(
                f"ema_fast_bars = {self.ema_fast_bars}: must be below"
                f" ema_slow_bars = {self.ema_slow_bars}"
            )


class Momentum:
    """Looks at each closed bar once: manages the open trade, or looks for an entry.

    A bar that is older than `bar_age_max_ms` when it arrives (history, a backlog) is learned from
    but never acted on.
    """

    Params: ClassVar[type[Struct]] = MomentumParams
    sweep_confidence: ClassVar[float] = CONFIDENCE

    @staticmethod
    def sweep_rules(params: MomentumParams, instrument: Instrument) -> Rules | None:
        """What a sweep can try of it: one instrument's breakout, without what compares several."""
        if not _wanted(params, instrument):
            return None
        return Rules(
            breakout=True,
            fast=params.ema_fast_bars,
            slow=params.ema_slow_bars,
            channel=params.breakout_bars,
            volume_bars=params.volume_bars,
            volume_factor=params.volume_factor,
            atr=params.atr_bars,
            stop_atr=params.stop_atr,
            trail_atr=params.trail_atr,
            trail_step_atr=params.trail_step_atr,
            # Of ours the entry's own bar is the first held, the kernel counts those after it.
            hold_max=params.hold_bars_max - 1,
            cooldown=params.cooldown_bars,
        )

    def __init__(
        self, strategy_id: StrategyId, params: MomentumParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self._params = params
        timeframe_ns = parse_timeframe(params.timeframe)
        assert timeframe_ns is not None
        self._timeframe_ns = timeframe_ns
        self._bar_age_max_ns = params.bar_age_max_ms * _MS
        self._universe = Universe(
            timeframe_ns, (params.turnover_min, params.turnover_max), params.age_bars_min
        )
        self._markets = {
            each.id: _Market(params, each, timeframe_ns)
            for each in instruments
            if _wanted(params, each)
        }
        for id_, market in self._markets.items():
            self._universe.members[id_] = market.member

    @property
    def bars_needed(self) -> int:
        """Closed bars of an instrument up to its first possible signal, that bar included."""
        params = self._params
        before = max(params.breakout_bars, params.volume_bars)
        return max(before + 1, params.ema_slow_bars, params.atr_bars)

    def subscriptions(self) -> Sequence[Subscription]:
        """Closed bars of one timeframe, of spot instruments quoted in `quote_assets`."""
        return tuple(
            Subscription(kind=Bar, instrument_id=each, timeframe_ns=self._timeframe_ns)
            for each in self._markets
        )

    def warm(self, history: BarHistory) -> None:
        """Learn from past bars, oldest first, without a signal."""
        for instrument_id, bars in history.items():
            market = self._markets.get(instrument_id)
            for bar in bars:
                if market is not None and self._is_new(market, bar):
                    market.member.update(bar)

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """At most one signal a bar."""
        if not isinstance(event, Bar):
            return ()
        market = self._markets.get(event.instrument_id)
        if market is None or not self._is_new(market, event):
            return ()
        market.member.update(event)
        trades = view.open_trades(self.strategy_id)
        trade = _trade_of(trades, event)
        market.follow(trade, event, self._params.cooldown_bars * self._timeframe_ns)
        if view.now_ns - event.venue_time_ns > self._bar_age_max_ns:
            return ()
        if trade is not None:
            return self._manage(market, trade, event)
        if len(trades) >= self._params.positions_max:
            return ()
        if not market.trend.breaks_out(event) or not self._stands_out(market, trades, event):
            return ()
        return self._enter(market, event)

    def _stands_out(self, market: "_Market", trades: Sequence[Trade], bar: Bar) -> bool:
        params, universe, member = self._params, self._universe, market.member
        if not universe.eligible(member, bar.open_time_ns):
            return False
        if member.larger_rising() < params.larger_agree:
            return False
        ahead, breadth = universe.standing(member, bar.open_time_ns)
        if ahead > params.rank_share_max or breadth < params.breadth_min:
            return False
        return self._differs(member, trades)

    def _differs(self, member: Member, trades: Sequence[Trade]) -> bool:
        if self._params.correlation_max >= 1.0:
            return True
        for trade in trades:
            other = self._universe.members.get(trade.instrument_id)
            alike = None if other is None else correlation(member, other)
            if alike is None or alike > self._params.correlation_max:
                return False
        return True

    def _is_new(self, market: "_Market", bar: Bar) -> bool:
        return (
            bar.timeframe_ns == self._timeframe_ns and bar.open_time_ns > market.trend.open_time_ns
        )

    def _enter(self, market: "_Market", bar: Bar) -> Sequence[Signal]:
        params = self._params
        trend = market.trend
        if bar.venue_time_ns < market.free_ns or not trend.breaks_out(bar):
            return ()
        stop = bar.close - params.stop_atr * trend.atr
        hope = params.move_atr * trend.atr / bar.close
        if stop <= 0.0 or hope <= market.move_min:
            return ()
        market.free_ns = bar.venue_time_ns + params.cooldown_bars * self._timeframe_ns
        signal = EnterSignal(
            strategy_id=self.strategy_id,
            instrument_id=bar.instrument_id,
            side=Side.BUY,
            stop_price=stop,
            confidence=CONFIDENCE,
            reason=(
                f"close {bar.close:.8g} above the high of {params.breakout_bars} bars, volume"
                f" {trend.volume_ratio:.1f} x mean, hope {hope * _BPS:.0f} bps"
                f" of {market.move_min * _BPS:.0f} needed"
            ),
        )
        return (signal,)

    def _manage(self, market: "_Market", trade: Trade, bar: Bar) -> Sequence[Signal]:
        if trade.phase is not TradePhase.OPEN:
            return ()
        held_bars = (bar.venue_time_ns - trade.opened_time_ns) // self._timeframe_ns
        if held_bars >= self._params.hold_bars_max:
            return self._exit(trade, f"time stop after {held_bars} bars")
        trend = market.trend
        if not trend.ready:
            return ()
        if bar.close < trend.slow:
            return self._exit(trade, f"trend broken: close {bar.close:.8g} below {trend.slow:.8g}")
        stop = market.peak - self._params.trail_atr * trend.atr
        if stop >= bar.close:
            return self._exit(trade, f"close {bar.close:.8g} at or below the trail {stop:.8g}")
        if stop <= float(trade.stop_price) + self._params.trail_step_atr * trend.atr:
            return ()
        reason = f"trail: high {market.peak:.8g} less {self._params.trail_atr:g} ATR"
        return (
            StopSignal(
                strategy_id=self.strategy_id,
                trade_id=trade.trade_id,
                stop_price=stop,
                reason=reason,
            ),
        )

    def _exit(self, trade: Trade, reason: str) -> Sequence[Signal]:
        return (ExitSignal(strategy_id=self.strategy_id, trade_id=trade.trade_id, reason=reason),)


class _Market:
    """One instrument: its trend, what a move must pay for, and the trade it was last seen with."""

    __slots__ = ("free_ns", "member", "move_min", "peak", "trade_id", "trend")

    def __init__(self, params: MomentumParams, instrument: Instrument, timeframe_ns: int) -> None:
        cost = 2.0 * float(instrument.taker_fee) + params.allowance_bps / _BPS
        self.move_min = params.cost_factor * cost
        self.trend = Trend(
            breakout_bars=params.breakout_bars,
            volume_bars=params.volume_bars,
            volume_factor=params.volume_factor,
            ema_bars=(params.ema_fast_bars, params.ema_slow_bars),
            atr_bars=params.atr_bars,
        )
        self.member = Member(instrument.id, self.trend, timeframe_ns)
        self.trade_id: str | None = None
        self.peak = 0.0
        self.free_ns = 0

    def follow(self, trade: Trade | None, bar: Bar, cooldown_ns: int) -> None:
        """The highest price since a trade opened; the rest that follows its end."""
        if trade is None:
            if self.trade_id is not None:
                self.trade_id = None
                self.free_ns = bar.venue_time_ns + cooldown_ns
            return
        if trade.trade_id != self.trade_id:
            self.trade_id = trade.trade_id
            self.peak = float(trade.entry_price)
        if bar.venue_time_ns > trade.opened_time_ns:
            self.peak = max(self.peak, bar.high)


def _trade_of(trades: Sequence[Trade], bar: Bar) -> Trade | None:
    for trade in trades:
        if trade.instrument_id == bar.instrument_id:
            return trade
    return None


def _wanted(params: MomentumParams, instrument: Instrument) -> bool:
    return (
        instrument.kind is InstrumentKind.SPOT
        and instrument.quote in params.quote_assets
        and instrument.base not in DOLLARS
        and (not params.assets or instrument.base in params.assets)
    )
