"""The paper twin: values what a benched strategy would have earned, without an order.

It takes the strategy's signals, shows it the trades it would have, and watches the market for
their stops and targets. Pessimistic as the simulated venue is: takers pay the touch and a slip, a
maker fills when the price goes through its limit, and of a bar the stop comes before the target.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import ClassVar, Final

from msgspec import Struct, structs

from tradewinds.engine.board import Board, Slot
from tradewinds.model.decimals import ONE, ZERO, to_decimal
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.ports import MarketView, Subscription

SLIP: Final = 0.0005
"""Of the price, for a taker: half a spread and a slip."""
MARK: Final = "shadow-"
Reward = Callable[[TradeId, StrategyId, float], None]


class Twin:
    """Watches instruments it has a trade in; implements ports.Strategy so that it can."""

    Params: ClassVar[type[Struct]] = Struct
    strategy_id = StrategyId("shadow")

    def __init__(self, board: Board, reward: Reward) -> None:
        self._board = board
        self._reward = reward
        self._watched: set[InstrumentId] = set()
        self._finest: dict[InstrumentId, int] = {}
        self._made = 0
        self.lifetime_ns = 0
        """How long an entry rests before it is withdrawn, as a real one is; 0: for good."""
        self.trades: dict[TradeId, Trade] = {}

    def restore(self, trades: Sequence[Trade]) -> None:
        """Go on with the trades of an earlier run."""
        for trade in trades:
            self.trades[trade.trade_id] = trade
            self._watch(trade.instrument_id)

    def of(self, strategy_id: StrategyId) -> tuple[Trade, ...]:
        """What the strategy would have open."""
        return tuple(t for t in self.trades.values() if t.strategy_id == strategy_id)

    def take(self, signal: Signal, run_id: RunId, now_ns: int) -> TradeId | None:
        """Carry out a signal on paper; the trade it opened, if one."""
        match signal:
            case EnterSignal():
                return self._open(signal, run_id, now_ns)
            case ExitSignal() if signal.trade_id in self.trades:
                self._leave(self.trades[signal.trade_id])
            case StopSignal() if signal.trade_id in self.trades:
                self._tighten(self.trades[signal.trade_id], signal.stop_price)
            case _:
                pass
        return None

    def delisted(self, instrument_id: InstrumentId) -> None:
        """No price comes any more: what it would have there leaves at the last one."""
        for trade in list(self.trades.values()):
            if trade.instrument_id == instrument_id:
                self._leave(trade)

    def subscriptions(self) -> Sequence[Subscription]:
        """None beforehand: it joins the watchers of an instrument when it has a trade there."""
        return ()

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """Stops, targets and resting entries; never a signal."""
        if isinstance(event, Bar):
            finest_ns = min(
                self._finest.get(event.instrument_id, event.timeframe_ns), event.timeframe_ns
            )
            self._finest[event.instrument_id] = finest_ns
            if self._board.slots[event.instrument_id].quoted or event.timeframe_ns > finest_ns:
                return ()
        for trade in list(self.trades.values()):
            if trade.instrument_id != event.instrument_id or self._expired(trade, event):
                continue
            if isinstance(event, Quote) and event.received_time_ns > trade.opened_time_ns:
                self._meet(trade, (event.bid, event.bid, event.bid), (event.ask,) * 3)
            elif isinstance(event, Bar):
                halfway_ns = event.open_time_ns + event.timeframe_ns // 2
                if halfway_ns > trade.opened_time_ns:
                    path = (event.open, event.low, event.high)
                    self._meet(trade, path, path)
        return ()

    def _expired(self, trade: Trade, event: MarketEvent) -> bool:
        """A bar may still fill what was withdrawn before its end."""
        if trade.phase is not TradePhase.OPENING or not self.lifetime_ns:
            return False
        at_ns = event.open_time_ns if isinstance(event, Bar) else event.received_time_ns
        if at_ns < trade.opened_time_ns + self.lifetime_ns:
            return False
        del self.trades[trade.trade_id]
        return True

    def _open(self, signal: EnterSignal, run_id: RunId, now_ns: int) -> TradeId | None:
        quote = self._board.last_quote(signal.instrument_id)
        if quote is None:
            return None
        buying = signal.side is Side.BUY
        touch = quote.ask * (1.0 + SLIP) if buying else quote.bid * (1.0 - SLIP)
        resting = signal.limit_price is not None and (
            signal.limit_price < quote.ask if buying else signal.limit_price > quote.bid
        )
        price = to_decimal(signal.limit_price if resting and signal.limit_price else touch)
        stop = to_decimal(signal.stop_price)
        if (price <= stop) if buying else (price >= stop):
            return None
        self._made += 1
        target = signal.target_price
        trade = Trade(
            trade_id=TradeId(f"{MARK}{run_id}-{self._made}"),
            strategy_id=signal.strategy_id,
            instrument_id=signal.instrument_id,
            side=signal.side,
            phase=TradePhase.OPENING if resting else TradePhase.OPEN,
            quantity=ZERO if resting else ONE,
            entry_quantity=ZERO if resting else ONE,
            pending_quantity=ONE if resting else ZERO,
            pending_price=price,
            entry_price=price,
            stop_price=stop,
            target_price=None if target is None else to_decimal(target),
            opened_time_ns=now_ns,
            approved_loss=abs(price - stop),
            fees=price * self._fee(signal.instrument_id, maker=resting),
            reason=signal.reason,
        )
        self.trades[trade.trade_id] = trade
        self._watch(signal.instrument_id)
        return trade.trade_id

    def _watch(self, instrument_id: InstrumentId) -> None:
        slot = self._board.slots.get(instrument_id)
        if slot is not None and instrument_id not in self._watched:
            self._watched.add(instrument_id)
            slot.quote_watchers.append(self)
            slot.bar_watchers.append((0, self))

    def _meet(
        self, trade: Trade, bids: tuple[float, float, float], asks: tuple[float, float, float]
    ) -> None:
        """First, lowest and highest price at which one could sell, and buy."""
        buying = trade.side is Side.BUY
        if trade.phase is TradePhase.OPENING:
            limit = float(trade.pending_price)
            if (asks[1] < limit) if buying else (bids[2] > limit):
                self.trades[trade.trade_id] = structs.replace(
                    trade,
                    phase=TradePhase.OPEN,
                    quantity=ONE,
                    entry_quantity=ONE,
                    pending_quantity=ZERO,
                )
            return
        stop = float(trade.stop_price)
        if buying and bids[1] <= stop:
            self._close(trade, min(stop, bids[0]) * (1.0 - SLIP), maker=False)
        elif not buying and asks[2] >= stop:
            self._close(trade, max(stop, asks[0]) * (1.0 + SLIP), maker=False)
        elif trade.target_price is not None:
            target = float(trade.target_price)
            if (bids[2] > target) if buying else (asks[1] < target):
                self._close(trade, target, maker=True)

    def _leave(self, trade: Trade) -> None:
        quote = self._board.last_quote(trade.instrument_id)
        if trade.phase is TradePhase.OPENING:
            del self.trades[trade.trade_id]
        elif quote is not None:
            buying = trade.side is Side.BUY
            price = quote.bid * (1.0 - SLIP) if buying else quote.ask * (1.0 + SLIP)
            self._close(trade, price, maker=False)

    def _tighten(self, trade: Trade, stop_price: float) -> None:
        stop = to_decimal(stop_price)
        tighter = stop > trade.stop_price if trade.side is Side.BUY else stop < trade.stop_price
        if tighter:
            self.trades[trade.trade_id] = structs.replace(trade, stop_price=stop)

    def _close(self, trade: Trade, price: float, *, maker: bool) -> None:
        """What it earned in multiples of what its stop risked, after both fees."""
        del self.trades[trade.trade_id]
        end = to_decimal(price)
        gross = end - trade.entry_price if trade.side is Side.BUY else trade.entry_price - end
        net = gross - trade.fees - end * self._fee(trade.instrument_id, maker=maker)
        self._reward(trade.trade_id, trade.strategy_id, float(net / trade.approved_loss))

    def _fee(self, instrument_id: InstrumentId, *, maker: bool) -> Decimal:
        slot: Slot = self._board.slots[instrument_id]
        return slot.instrument.maker_fee if maker else slot.instrument.taker_fee
