"""The trading floor: state that signals, reports and closings share; how an order leaves."""

from collections import deque
from decimal import Decimal

from tradewinds.engine.board import Board, Slot
from tradewinds.engine.outbox import Outbox
from tradewinds.engine.portfolio import Portfolio
from tradewinds.engine.purses import Purses
from tradewinds.engine.selection import Selection, cushion
from tradewinds.engine.settings import EngineSettings
from tradewinds.model.commands import CancelOrder, RecordOrder, RecordTrade, SubmitOrder
from tradewinds.model.decimals import to_decimal
from tradewinds.model.ids import (
    Asset,
    ClientOrderId,
    InstrumentId,
    RunId,
    StrategyId,
    TradeId,
    client_order_id,
    trade_id,
)
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.mandate import NEUTRAL, Mandate
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder
from tradewinds.model.portfolio import Trade, TradingState
from tradewinds.risk.breaker import Breaker
from tradewinds.risk.limits import RiskView
from tradewinds.risk.sizing import bounded

MINUTE_NS = 60_000_000_000


class Floor:
    """One run's mutable state. Everything else in the engine is behaviour over it."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.limits = settings.limits
        self.board = Board(settings.limits.price_jump_max)
        self.out = Outbox()
        self.portfolio = Portfolio(
            settings.currency, self.board, settings.limits, settings.inventory
        )
        self.breaker = Breaker(settings.limits)
        self.selection = Selection(self.board, self.out, settings.limits, settings.currency)
        self.selection.twin.lifetime_ns = int(settings.entry_lifetime_s * 1e9)
        self.disabled: set[StrategyId] = set(settings.disabled)
        self.mandate: Mandate = NEUTRAL
        self.brackets: frozenset[InstrumentId] = frozenset()
        self.purses = Purses()
        self.run_id = RunId("")
        self._orders_made = 0
        self._trades_made = 0
        self._order_times: deque[int] = deque()

    def next_order_id(self) -> ClientOrderId:
        """A new order's name."""
        self._orders_made += 1
        return client_order_id(self.run_id, self._orders_made)

    @property
    def orders_made(self) -> int:
        """How many orders of this run have a name."""
        return self._orders_made

    def next_trade_id(self) -> TradeId:
        """A new round trip's name."""
        self._trades_made += 1
        return trade_id(self.run_id, self._trades_made)

    def submit(self, order: ApprovedOrder) -> None:
        """Note the order as in flight and send it."""
        now_ns = self.out.now_ns
        self._order_times.append(now_ns)
        noted = self.portfolio.orders.submitted(order, now_ns)
        slot = self.board.slots.get(order.instrument_id)
        if slot is not None:
            self.purses.moved(order, slot.instrument)
        self.out.put(RecordOrder(order=noted, time_ns=now_ns, cause=self.out.cause))
        self.out.put(SubmitOrder(order=order, time_ns=now_ns, cause=self.out.cause))

    def cancel(self, order_id: ClientOrderId) -> None:
        """Send a cancel, once."""
        order = self.portfolio.orders.get(order_id)
        if order is None or not self.portfolio.orders.request_cancel(order_id):
            return
        self.out.put(
            CancelOrder(
                client_order_id=order_id,
                instrument_id=order.approved.instrument_id,
                time_ns=self.out.now_ns,
                cause=self.out.cause,
            )
        )

    def keep_trade(self, trade: Trade) -> None:
        """Store and tell a round trip's new state."""
        self.portfolio.trades[trade.trade_id] = trade
        self.out.put(RecordTrade(trade=trade, time_ns=self.out.now_ns, cause=self.out.cause))

    def scale(self, strategy_id: StrategyId, equity: Decimal | None = None) -> float:
        """Weight x mandate x selector x what the drawdown leaves, in [0, 1]. All only shrink.

        `equity`: as of now, where it is known already.
        """
        mandate = self.mandate if self.out.now_ns < self.mandate.expires_ns else NEUTRAL
        weight = float(bounded(mandate.weights.get(strategy_id, 1.0)))
        multiplier = float(bounded(mandate.risk_multiplier))
        if equity is None:
            equity = self.portfolio.equity()
        if equity is None:
            return 0.0
        left = cushion(self.breaker.drawdown(equity), self.limits.drawdown_halt)
        step = min(self.breaker.risk_scale(equity), left)
        return weight * multiplier * self.selection.weight(strategy_id) * step

    def risk_view(self, strategy_id: StrategyId, slot: Slot | None, side: Side) -> RiskView:
        """What the checks may look at, as of now."""
        now_ns = self.out.now_ns
        while self._order_times and self._order_times[0] <= now_ns - MINUTE_NS:
            self._order_times.popleft()
        portfolio = self.portfolio
        priced = slot is not None and slot.mid > 0.0
        state, reason = self.breaker.state, self.breaker.reason
        if state is TradingState.ACTIVE and portfolio.strays():
            # What they may still bring is no exposure yet, so nothing may be added to it.
            state, reason = TradingState.REDUCING, "orders of an earlier run still work"
        free = self._free(slot)
        return RiskView(
            now_ns=now_ns,
            state=state,
            state_reason=reason,
            strategy_enabled=strategy_id not in self.disabled,
            currency=self.settings.currency,
            instrument=None if slot is None else slot.instrument,
            mid=to_decimal(slot.mid) if slot is not None and priced else None,
            price_age_ns=_age(slot, now_ns) if slot is not None and priced else None,
            price_suspect=slot is None or slot.suspect_left > 0,
            rate=None if slot is None else portfolio.rate(slot.instrument.quote),
            visible=None if slot is None else self.visible(slot, side),
            equity=portfolio.equity(),
            realised_today=portfolio.settled(self.breaker.day),
            exposures=portfolio.exposures(),
            free=free,
            orders_last_minute=len(self._order_times),
            protection_possible=True,
            inventory=portfolio.inventory(free),
        )

    def _free(self, slot: Slot | None) -> dict[Asset, Decimal]:
        """Of the wallet that would pay."""
        kind = InstrumentKind.SPOT if slot is None else slot.instrument.kind
        return self.purses.cap(self.portfolio.free(), kind, self.portfolio.orders)

    def visible(self, slot: Slot, side: Side) -> Decimal | None:
        """Base quantity that the liquidity shares allow; the larger of touch and bar volume."""
        shares = []
        if slot.quoted and slot.quote is not None:
            size = slot.quote.ask_size if side is Side.BUY else slot.quote.bid_size
            shares.append(size * self.limits.liquidity_share_quote)
        if slot.bar_volume > 0.0:
            shares.append(slot.bar_volume * self.limits.liquidity_share_bar)
        return to_decimal(max(shares)) if shares else None


def _age(slot: Slot, now_ns: int) -> int:
    """Age of the price; a bar's close may be one timeframe old before it counts as stale."""
    return max(0, now_ns - slot.received_ns - slot.tolerance_ns)
