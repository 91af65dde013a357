"""Scalping: perpetuals, either way, for seconds on quotes or a few bars where there are only bars.

Idea: for a moment prices lean to the thin side of the book, follow the flow of orders, and swing
back after a stretch. Costs: two fees and the spread, usually more than the move; so it learns the
move from what it has seen, and stays out unless that beats the costs. It loses when the lean was
noise, when a maker's order fills because the price runs through it, and in jumps past the stop.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, FundingRate, Quote, Side, TradePrint
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal
from tradewinds.ports import BarHistory, MarketView, Subscription
from tradewinds.strategies.scalp_market import ScalpMarket, ScalpSpan

_MS = 1_000_000
_BPS = 10_000.0
CONFIDENCE_MAX = 0.6

Bps = Annotated[float, Meta(ge=0, le=1000)]


class ScalpingParams(Struct, frozen=True, kw_only=True):
    """On quotes a sample is taken every `sample_ms` and held `horizon_samples`; on bars, where no
    quotes come, a sample is a bar and it is held `horizon_bars`.

    `sure` is by how many standard errors past guesses must have been right. `allowance_bps` stands
    for slippage of a taker's fill, `adverse_bps` for a maker's bad luck: it is filled most readily
    when the price goes on against it; `fill_chance` is how often it is filled at all.
    """

    assets: tuple[Annotated[str, Meta(min_length=1, max_length=20)], ...] = ()
    sample_ms: Annotated[int, Meta(ge=100, le=60_000)] = 1_000
    horizon_samples: Annotated[int, Meta(ge=1, le=600)] = 30
    memory_samples: Annotated[int, Meta(ge=100, le=1_000_000)] = 7_200
    horizon_bars: Annotated[int, Meta(ge=1, le=100)] = 4
    memory_bars: Annotated[int, Meta(ge=100, le=100_000)] = 3_000
    sure: Annotated[float, Meta(ge=0, le=10)] = 2.5
    edge_min_bps: Bps = 1.0
    allowance_bps: Bps = 2.0
    bar_allowance_bps: Bps = 6.0
    adverse_bps: Bps = 1.0
    fill_chance: Annotated[float, Meta(gt=0, le=1)] = 0.4
    stop_deviations: Annotated[float, Meta(gt=0, le=20)] = 2.0
    stop_min_bps: Annotated[float, Meta(ge=1, le=200)] = 15.0
    stop_max_bps: Annotated[float, Meta(ge=1, le=300)] = 200.0
    positions_max: Annotated[int, Meta(ge=1, le=20)] = 2
    entry_wait_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000
    event_age_max_ms: Annotated[int, Meta(ge=10, le=60_000)] = 1_000

    def __post_init__(self) -> None:
        """Rules between two settings."""
        if self.stop_min_bps > self.stop_max_bps:
            raise ValueError(
                f"stop_min_bps = {self.stop_min_bps:g}: must not exceed"
                f" stop_max_bps = {self.stop_max_bps:g}"
            )


class Wish(Struct, frozen=True):
    """An entry that pays: which way, as maker or taker, and what is left of the move, in bps."""

    side: Side
    maker: bool
    gain: float
    net: float


class Scalping:
    """One sample at a time: manages the open trade, or looks for an entry."""

    Params: ClassVar[type[Struct]] = ScalpingParams

    def __init__(
        self, strategy_id: StrategyId, params: ScalpingParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self._params = params
        quotes = ScalpSpan(horizon=params.horizon_samples, memory=params.memory_samples)
        bars = ScalpSpan(horizon=params.horizon_bars, memory=params.memory_bars)
        self._markets = {
            each.id: ScalpMarket(each, quotes, bars, params.sure, params.sample_ms * _MS)
            for each in instruments
            if each.kind is InstrumentKind.PERPETUAL
            and (not params.assets or each.base in params.assets)
        }

    def subscriptions(self) -> Sequence[Subscription]:
        """Quotes, trades, funding and bars of every length, of perpetuals."""
        kinds = (Quote, TradePrint, FundingRate, Bar)
        return tuple(
            Subscription(kind=kind, instrument_id=each) for each in self._markets for kind in kinds
        )

    def warm(self, history: BarHistory) -> None:
        """Learn from past bars, oldest first, without a signal."""
        for instrument_id, bars in history.items():
            market = self._markets.get(instrument_id)
            for bar in bars:
                if market is not None:
                    market.on_bar(bar)

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """At most one signal a sample."""
        market = self._markets.get(event.instrument_id)
        if market is None:
            return ()
        kind = type(event)
        if kind is TradePrint:
            market.flow.on_print(event)  # type: ignore[arg-type]
            return ()
        if kind is FundingRate:
            market.on_funding(event)  # type: ignore[arg-type]
            return ()
        take = market.on_quote if kind is Quote else market.on_bar
        if not take(event):  # type: ignore[arg-type]
            return ()
        oldest_ns = view.now_ns - self._age_max_ns(market)
        if min(event.venue_time_ns, event.received_time_ns) < oldest_ns:
            return ()
        return self._decide(market, view)

    def _age_max_ns(self, market: ScalpMarket) -> int:
        """A bar is news for a part of its own length."""
        return max(self._params.event_age_max_ms * _MS, market.bar_ns // 20)

    def _decide(self, market: ScalpMarket, view: MarketView) -> Sequence[Signal]:
        trades = view.open_trades(self.strategy_id)
        for trade in trades:
            if trade.instrument_id == market.id:
                return self._manage(market, trade, view.now_ns)
        if len(trades) >= self._params.positions_max:
            return ()
        wish = self._wish(market, view.now_ns)
        return () if wish is None else self._enter(market, wish)

    def _manage(self, market: ScalpMarket, trade: Trade, now_ns: int) -> Sequence[Signal]:
        """The venue holds the stop and the target; we watch the time and a change of mind."""
        held_ns = now_ns - trade.opened_time_ns
        if trade.phase is TradePhase.OPENING and trade.quantity == 0:
            wait_ns = max(self._params.entry_wait_ms * _MS, market.bar_ns)
            return self._exit(trade, "entry not filled in time") if held_ns >= wait_ns else ()
        if trade.phase is not TradePhase.OPEN:
            return ()
        if held_ns >= market.horizon_ns:
            return self._exit(trade, "time stop: the horizon has passed")
        against = -market.expected if trade.side is Side.BUY else market.expected
        if against > self._cost(market, maker=False):
            return self._exit(trade, f"expects {against:.1f} bps the other way")
        return ()

    def _wish(self, market: ScalpMarket, now_ns: int) -> Wish | None:
        """The better of making and taking, if it leaves enough after everything."""
        params = self._params
        move = market.expected
        if move == 0.0:
            return None
        side = Side.BUY if move > 0.0 else Side.SELL
        funding = market.funding_bps(side, now_ns)
        taker = abs(move) - funding - self._cost(market, maker=False)
        maker = abs(move) - funding - self._cost(market, maker=True)
        making = market.quote is not None and maker * params.fill_chance > taker
        net = maker if making else taker
        if net * (params.fill_chance if making else 1.0) <= params.edge_min_bps:
            return None
        return Wish(side, making, abs(move), net)

    def _cost(self, market: ScalpMarket, *, maker: bool) -> float:
        """Bps of a round trip: in as maker or taker, out as taker, spread and allowances."""
        params = self._params
        slip = params.allowance_bps if market.quote is not None else params.bar_allowance_bps
        out = market.taker_bps + market.spread_bps / 2.0 + slip
        if maker:
            return market.maker_bps + params.adverse_bps + out
        return market.taker_bps + market.spread_bps / 2.0 + slip + out

    def _enter(self, market: ScalpMarket, wish: Wish) -> Sequence[Signal]:
        params = self._params
        stop_bps = max(params.stop_deviations * market.deviation, params.stop_min_bps, wish.gain)
        if stop_bps > params.stop_max_bps:
            return ()
        sign = 1.0 if wish.side is Side.BUY else -1.0
        price = market.passive(wish.side) if wish.maker else market.price
        chance = (wish.net + stop_bps) / (wish.gain + stop_bps)
        signal = EnterSignal(
            strategy_id=self.strategy_id,
            instrument_id=market.id,
            side=wish.side,
            stop_price=price * (1.0 - sign * stop_bps / _BPS),
            target_price=price * (1.0 + sign * wish.gain / _BPS),
            limit_price=price if wish.maker else None,
            confidence=min(max(chance, 0.01), CONFIDENCE_MAX),
            reason=(
                f"expects {market.expected:+.1f} bps, {wish.net:.1f} after costs as"
                f" {'maker' if wish.maker else 'taker'}, stop {stop_bps:.0f} bps away"
            ),
        )
        return (signal,)

    def _exit(self, trade: Trade, reason: str) -> Sequence[Signal]:
        return (ExitSignal(strategy_id=self.strategy_id, trade_id=trade.trade_id, reason=reason),)

    def expected_bps(self, instrument_id: InstrumentId) -> float:
        """What it now expects of an instrument, for tests and studies."""
        return self._markets[instrument_id].expected
