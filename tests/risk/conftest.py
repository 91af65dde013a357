"""One sound wish, the moment it is judged in, and small changes to both."""

from decimal import Decimal
from typing import Any

import pytest

from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, StrategyId, TradeId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import ApprovedOrder, OrderIntent, Purpose, Refusal
from tradewinds.model.portfolio import Exposure, Trade, TradePhase, TradingState
from tradewinds.model.signal import EnterSignal
from tradewinds.risk.gate import review
from tradewinds.risk.limits import RiskLimits, RiskView
from tradewinds.risk.sizing import SizingInput

USDT = Asset("USDT")
LIMITS: dict[str, Any] = {
    "loss_per_trade_max": Decimal(10),
    "loss_per_day_max": Decimal(20),
    "reserve": Decimal(200),
    "exposure_per_instrument_max": 0.4,
    "exposure_total_max": 0.8,
    "leverage_max": Decimal(3),
    "collar_bps": 30.0,
    "slippage_allowance_bps": 20.0,
    "unwind_loss_bps": 100.0,
    "stop_distance_max": 0.2,
    "stale_after_s": 10.0,
    "liquidity_share_quote": 0.5,
    "liquidity_share_bar": 0.02,
    "orders_per_minute_max": 60,
    "kelly_fraction": 0.25,
    "drawdown_scale": 0.02,
    "drawdown_reduce": 0.04,
    "drawdown_halt": 0.05,
    "price_jump_max": 0.2,
}


def limits(**changes: Any) -> RiskLimits:
    return RiskLimits(**{**LIMITS, **changes})


def spot(**changes: Any) -> Instrument:
    """BTC/USDT at a price of 100, in whole hundredths, 10 bps."""
    fields: dict[str, Any] = {
        "id": InstrumentId("BTC/USDT@x"),
        "symbol": "BTC/USDT",
        "venue": Venue("x"),
        "kind": InstrumentKind.SPOT,
        "base": Asset("BTC"),
        "quote": USDT,
        "settle": USDT,
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "max_quantity": Decimal(1000),
        "min_notional": Decimal(5),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changes})


def perpetual(**changes: Any) -> Instrument:
    fields: dict[str, Any] = {
        "id": InstrumentId("BTC/USDT:USDT@x"),
        "symbol": "BTC/USDT:USDT",
        "kind": InstrumentKind.PERPETUAL,
        "leverage_max": Decimal(20),
    }
    return spot(**{**fields, **changes})


def intent(**changes: Any) -> OrderIntent:
    """Buy 2 at 100 with a stop at 98: costs 2 x (2 + slip 0.196) + fees 0.4, about 4.8."""
    fields: dict[str, Any] = {
        "strategy_id": StrategyId("s"),
        "trade_id": TradeId("t"),
        "instrument_id": InstrumentId("BTC/USDT@x"),
        "side": Side.BUY,
        "quantity": Decimal(2),
        "price": Decimal(100),
        "purpose": Purpose.ENTER,
        "decision_price": Decimal(100),
        "stop_price": Decimal(98),
    }
    return OrderIntent(**{**fields, **changes})


def short(**changes: Any) -> OrderIntent:
    """The mirror image, in the perpetual."""
    fields: dict[str, Any] = {
        "instrument_id": perpetual().id,
        "side": Side.SELL,
        "stop_price": Decimal(102),
    }
    return intent(**{**fields, **changes})


def view(**changes: Any) -> RiskView:
    fields: dict[str, Any] = {
        "now_ns": 10**18,
        "state": TradingState.ACTIVE,
        "state_reason": "",
        "strategy_enabled": True,
        "currency": USDT,
        "instrument": spot(),
        "mid": Decimal(100),
        "price_age_ns": 0,
        "price_suspect": False,
        "rate": Decimal(1),
        "visible": Decimal(50),
        "equity": Decimal(1000),
        "realised_today": Decimal(0),
        "exposures": (),
        "free": {USDT: Decimal(1000)},
        "orders_last_minute": 0,
        "protection_possible": True,
    }
    return RiskView(**{**fields, **changes})


def exposure(loss: str, notional: str = "0", instrument: str = "ETH/USDT@x") -> Exposure:
    return Exposure(
        trade_id=TradeId("other"),
        strategy_id=StrategyId("other"),
        instrument_id=InstrumentId(instrument),
        worst_loss=Decimal(loss),
        notional=Decimal(notional),
    )


def answer(
    wish: OrderIntent, moment: RiskView, law: RiskLimits | None = None
) -> ApprovedOrder | Refusal:
    return review(wish, moment, law or limits(), ClientOrderId("tw-1"))


def refused_by(wish: OrderIntent, moment: RiskView, law: RiskLimits | None = None) -> str:
    """The check that said no; empty when approved."""
    result = answer(wish, moment, law)
    return result.check if isinstance(result, Refusal) else ""


def signal(**changes: Any) -> EnterSignal:
    fields: dict[str, Any] = {
        "strategy_id": StrategyId("s"),
        "instrument_id": InstrumentId("BTC/USDT@x"),
        "side": Side.BUY,
        "stop_price": 98.0,
        "confidence": 0.9,
        "reason": "",
    }
    return EnterSignal(**{**fields, **changes})


def wish(scale: float = 1.0, instrument: Instrument | None = None) -> SizingInput:
    made = instrument or spot()
    quote = Quote(
        instrument_id=made.id,
        bid=99.99,
        ask=100.01,
        bid_size=100.0,
        ask_size=100.0,
        venue_time_ns=1,
        received_time_ns=1,
    )
    return SizingInput(trade_id=TradeId("t"), instrument=made, quote=quote, scale=scale)


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


class Make:
    """Everything above."""

    limits = staticmethod(limits)
    spot = staticmethod(spot)
    perpetual = staticmethod(perpetual)
    intent = staticmethod(intent)
    short = staticmethod(short)
    view = staticmethod(view)
    exposure = staticmethod(exposure)
    answer = staticmethod(answer)
    refused_by = staticmethod(refused_by)
    signal = staticmethod(signal)
    wish = staticmethod(wish)
    trade = staticmethod(trade)


@pytest.fixture(scope="session")
def make() -> type[Make]:
    """Makers of sound things, changed by keyword."""
    return Make
