"""Commands as lines that a person reads."""

from collections.abc import Callable
from typing import Any

from tradewinds.model.commands import (
    Command,
    EmergencyFinished,
    RecordAnomaly,
    RecordOrder,
    RecordRefusal,
    RecordSignal,
    RecordTrade,
    StateChanged,
    StrategyStateChanged,
)
from tradewinds.model.ids import ACCOUNT, InstrumentId, StrategyId
from tradewinds.model.order import ApprovedOrder, OrderStatus
from tradewinds.model.portfolio import TradePhase
from tradewinds.model.signal import BasketSignal, EnterSignal, ExitSignal, StopSignal
from tradewinds.model.snapshot import Activity

NO_INSTRUMENT = InstrumentId("")


def describe(command: Command) -> Activity | None:
    """A line for the live page, or None for what nobody watches."""
    writer = WRITERS.get(type(command))
    return None if writer is None else writer(command)


def _signal(command: RecordSignal) -> Activity:
    signal = command.signal
    match signal:
        case EnterSignal():
            instrument, title = signal.instrument_id, f"wants to {signal.side.value}"
        case BasketSignal():
            instrument, title = signal.legs[0].instrument_id, f"cycle {signal.edge_bps:+.1f} bps"
        case ExitSignal():
            instrument, title = NO_INSTRUMENT, f"wants out of {signal.trade_id}"
        case StopSignal():
            instrument, title = NO_INSTRUMENT, f"tightens stop to {signal.stop_price:g}"
    return _line("signal", command.time_ns, signal.strategy_id, instrument, (title, signal.reason))


def _refusal(command: RecordRefusal) -> Activity:
    no = command.refusal
    text = (f"refused by {no.check}", no.reason)
    return _line("refusal", no.time_ns, no.strategy_id, no.instrument_id, text)


def _order(command: RecordOrder) -> Activity | None:
    order, approved = command.order, command.order.approved
    if order.status is OrderStatus.IN_FLIGHT:
        # What comes of it follows within moments; only that is news.
        return None
    filled = order.status in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED)
    title = f"{approved.purpose.value} {_terms(approved)} {order.status.value.replace('_', ' ')}"
    detail = order.reason
    if order.filled_quantity:
        detail = f"{order.filled_quantity.normalize():f} at {order.average_price:.8g} {detail}"
    kind = "fill" if filled else "order"
    text = (title, detail.strip())
    return _line(kind, command.time_ns, approved.strategy_id, approved.instrument_id, text)


def _terms(order: ApprovedOrder) -> str:
    quantity = f"{order.quantity.normalize():f}"
    price = order.trigger_price or order.price
    at = "" if price is None else f" @ {price.normalize():f}"
    return f"{order.side.value} {quantity}{at}"


def _trade(command: RecordTrade) -> Activity | None:
    trade = command.trade
    if trade.phase is not TradePhase.CLOSED or not trade.entry_quantity:
        return None
    text = (f"closed {trade.realised:+.2f}", f"{trade.exit_reason}; fees {trade.fees:.2f}")
    return _line("trade", command.time_ns, trade.strategy_id, trade.instrument_id, text)


def _state(command: StateChanged) -> Activity:
    text = (command.state.value.upper(), command.reason)
    return _line("state", command.time_ns, ACCOUNT, NO_INSTRUMENT, text)


def _strategy(command: StrategyStateChanged) -> Activity:
    text = ("switched on" if command.enabled else "switched off", command.reason)
    return _line("state", command.time_ns, command.strategy_id, NO_INSTRUMENT, text)


def _anomaly(command: RecordAnomaly) -> Activity:
    text = (f"{command.kind} x{command.count}", command.detail)
    return _line("anomaly", command.time_ns, ACCOUNT, command.instrument_id, text)


def _emergency(command: EmergencyFinished) -> Activity:
    elapsed_ms = (command.time_ns - command.started_ns) / 1e6
    text = (
        "FLAT verified" if command.flat else "NOT FLAT",
        f"{command.detail}; {elapsed_ms:.0f} ms",
    )
    return _line("state", command.time_ns, ACCOUNT, NO_INSTRUMENT, text)


def _line(
    kind: str,
    time_ns: int,
    strategy_id: StrategyId,
    instrument: InstrumentId,
    text: tuple[str, str],
) -> Activity:
    return Activity(
        time_ns=time_ns,
        kind=kind,
        strategy_id=strategy_id,
        instrument_id=instrument,
        title=text[0],
        detail=text[1],
    )


WRITERS: dict[type, Callable[[Any], Activity | None]] = {
    RecordSignal: _signal,
    RecordRefusal: _refusal,
    RecordOrder: _order,
    RecordTrade: _trade,
    StateChanged: _state,
    StrategyStateChanged: _strategy,
    RecordAnomaly: _anomaly,
    EmergencyFinished: _emergency,
}
