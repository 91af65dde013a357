"""What happened in a run, from its inputs and commands: the same for a journal and a backtest."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from tradewinds.ledger.results import NOTHING, Totals, add, totals_of
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import (
    Command,
    RecordRefusal,
    RecordSignal,
    RecordTrade,
    RecordTransaction,
    SubmitOrder,
)
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import Event, OrderFilled
from tradewinds.model.ids import ClientOrderId, InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Purpose, Refusal
from tradewinds.model.portfolio import Trade
from tradewinds.model.signal import EnterSignal


class Wanted(Struct, frozen=True, kw_only=True):
    """A wish to enter, and when."""

    time_ns: int
    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side


class Execution(Struct, frozen=True, kw_only=True):
    """A fill with the price at which it was decided. `slippage_bps` is positive when it cost."""

    time_ns: int
    strategy_id: StrategyId
    instrument_id: InstrumentId
    purpose: Purpose
    quantity: Decimal
    price: Decimal
    decision_price: Decimal

    def slippage_bps(self, side: Side) -> float:
        """Against us, relative to the decision price."""
        sign = 1 if side is Side.BUY else -1
        return float(sign * (self.price / self.decision_price - 1) * 10_000)


class Account(Struct, frozen=True, kw_only=True):
    """All there is to compare. `totals` is the ledger's result, baskets and all."""

    label: str
    wanted: tuple[Wanted, ...]
    refusals: tuple[Refusal, ...]
    trades: tuple[Trade, ...]
    executions: tuple[tuple[Side, Execution], ...]
    totals: Totals
    start_ns: int
    end_ns: int

    @property
    def realised(self) -> Decimal:
        """Of round trips, open ones as far as they are."""
        return sum((trade.realised for trade in self.trades), ZERO)


class Bookkeeper:
    """Takes a run's inputs and answers in order. It can stand where a journal stands."""

    def __init__(self) -> None:
        self._wanted: list[Wanted] = []
        self._refusals: list[Refusal] = []
        self._trades: dict[TradeId, Trade] = {}
        self._orders: dict[ClientOrderId, ApprovedOrder] = {}
        self._executions: dict[str, tuple[Side, Execution]] = {}
        self._totals = NOTHING
        self._start_ns = 0
        self._end_ns = 0
        self._sequence = 0

    def append_event(self, event: Event) -> int:
        """An input; of these only fills tell more than the answers do."""
        self._sequence += 1
        self._start_ns = self._start_ns or event.received_time_ns
        self._end_ns = max(self._end_ns, event.received_time_ns)
        if isinstance(event, OrderFilled):
            self._filled(event)
        return self._sequence

    def append_commands(self, commands: Sequence[Command]) -> None:
        """Answers."""
        for command in commands:
            match command:
                case RecordSignal(signal=EnterSignal() as signal, time_ns=time_ns):
                    self._wanted.append(
                        Wanted(
                            time_ns=time_ns,
                            strategy_id=signal.strategy_id,
                            instrument_id=signal.instrument_id,
                            side=signal.side,
                        )
                    )
                case RecordRefusal(refusal=refusal):
                    self._refusals.append(refusal)
                case RecordTrade(trade=trade):
                    self._trades[trade.trade_id] = trade
                case RecordTransaction(transaction=transaction):
                    self._totals = add(self._totals, totals_of(transaction))
                case SubmitOrder(order=order):
                    self._orders[order.client_order_id] = order
                case _:
                    pass

    def flush(self, checkpoint: Checkpoint | None) -> None:
        """Nothing is kept."""

    def account(self, label: str) -> Account:
        """Everything so far."""
        return Account(
            label=label,
            wanted=tuple(self._wanted),
            refusals=tuple(self._refusals),
            trades=tuple(trade for trade in self._trades.values() if trade.entry_quantity),
            executions=tuple(self._executions.values()),
            totals=self._totals,
            start_ns=self._start_ns,
            end_ns=self._end_ns,
        )

    def _filled(self, event: OrderFilled) -> None:
        fill = event.fill
        order = self._orders.get(fill.client_order_id)
        if order is None or not order.decision_price:
            return
        execution = Execution(
            time_ns=fill.received_time_ns,
            strategy_id=order.strategy_id,
            instrument_id=fill.instrument_id,
            purpose=order.purpose,
            quantity=fill.quantity,
            price=fill.price,
            decision_price=order.decision_price,
        )
        self._executions[fill.fill_id] = (order.side, execution)
