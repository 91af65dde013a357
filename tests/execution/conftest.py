"""A round trip, its orders and fills, changed by keyword."""

from decimal import Decimal
from typing import Any

import pytest

from tradewinds.execution.protective import Situation
from tradewinds.model.ids import (
    Asset,
    ClientOrderId,
    FillId,
    InstrumentId,
    StrategyId,
    TradeId,
    Venue,
)
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, Order, OrderStatus, OrderType, Purpose
from tradewinds.model.portfolio import Trade, TradePhase


def spot(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": InstrumentId("BTC/USDT@x"),
        "symbol": "BTC/USDT",
        "venue": Venue("x"),
        "kind": InstrumentKind.SPOT,
        "base": Asset("BTC"),
        "quote": Asset("USDT"),
        "settle": Asset("USDT"),
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.01"),
        "min_quantity": Decimal("0.01"),
        "max_quantity": Decimal(1000),
        "min_notional": Decimal(5),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changes})


def trade(**changes: Any) -> Trade:
    fields: dict[str, Any] = {
        "trade_id": TradeId("t"),
        "strategy_id": StrategyId("s"),
        "instrument_id": InstrumentId("BTC/USDT@x"),
        "side": Side.BUY,
        "phase": TradePhase.OPEN,
        "quantity": Decimal(2),
        "entry_price": Decimal(100),
        "stop_price": Decimal(98),
        "opened_time_ns": 0,
    }
    return Trade(**{**fields, **changes})


def approved(purpose: Purpose, quantity: Any = 2, **changes: Any) -> ApprovedOrder:
    fields: dict[str, Any] = {
        "client_order_id": ClientOrderId("o1"),
        "trade_id": TradeId("t"),
        "strategy_id": StrategyId("s"),
        "instrument_id": InstrumentId("BTC/USDT@x"),
        "side": Side.BUY if purpose is Purpose.ENTER else Side.SELL,
        "order_type": OrderType.LIMIT,
        "quantity": Decimal(str(quantity)),
        "purpose": purpose,
        "decision_price": Decimal(100),
        "worst_loss": Decimal(10),
        "trigger_price": Decimal(98) if purpose is Purpose.STOP else None,
    }
    return ApprovedOrder(**{**fields, **changes})


def order(purpose: Purpose, quantity: Any = 2, filled: Any = 0, **changes: Any) -> Order:
    status = changes.pop("status", OrderStatus.OPEN)
    return Order(
        approved=approved(purpose, quantity, **changes),
        status=status,
        filled_quantity=Decimal(str(filled)),
        average_price=Decimal(0),
        submitted_time_ns=0,
        updated_time_ns=0,
    )


def fill(quantity: Any, price: Any = 100, **changes: Any) -> Fill:
    fields: dict[str, Any] = {
        "fill_id": FillId(f"f{quantity}@{price}"),
        "client_order_id": ClientOrderId("o1"),
        "instrument_id": InstrumentId("BTC/USDT@x"),
        "side": Side.BUY,
        "quantity": Decimal(str(quantity)),
        "price": Decimal(str(price)),
        "fee": Decimal(0),
        "fee_asset": Asset("USDT"),
        "maker": False,
        "venue_time_ns": 0,
        "received_time_ns": 0,
    }
    return Fill(**{**fields, **changes})


def situation(held: Trade | None = None, *working: Order, **changes: Any) -> Situation:
    fields: dict[str, Any] = {
        "trade": held or trade(),
        "instrument": spot(),
        "working": working,
        "canceling": frozenset(),
        "price": Decimal(100),
        "exit_reason": "",
    }
    return Situation(**{**fields, **changes})


class Make:
    """Everything above."""

    spot = staticmethod(spot)
    trade = staticmethod(trade)
    approved = staticmethod(approved)
    order = staticmethod(order)
    fill = staticmethod(fill)
    situation = staticmethod(situation)


@pytest.fixture(scope="session")
def make() -> type[Make]:
    """Makers."""
    return Make
