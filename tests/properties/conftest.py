"""Worlds for the risk law: random instruments, prices, fees, portfolios, wishes; and its oracle.

The oracle does not call the law's own formulas. It plays an order out - fill, stop, fees - in
more digits than the law has, and looks at what was lost.
"""

import random
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import pytest

from tradewinds.model.decimals import ceil_to_step, floor_to_step
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, StrategyId, TradeId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import ApprovedOrder, OrderIntent
from tradewinds.model.portfolio import Exposure, TradingState
from tradewinds.model.signal import EnterSignal
from tradewinds.risk.limits import RiskLimits, RiskView
from tradewinds.risk.sizing import SizingInput

ORDER_ID = ClientOrderId("tw-test-1")
MONEY = {
    "loss_per_trade",
    "loss_per_day",
    "reserve_kept",
    "exposure_within",
    "liquidity_share",
    "funds_free",
}
DEFAULTS: Mapping[str, Any] = {
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
    return RiskLimits(**{**DEFAULTS, **changes})


class Case(NamedTuple):
    """One moment: a wish, and all it is judged by."""

    signal: EnterSignal
    wish: SizingInput
    view: RiskView
    limits: RiskLimits


class Worlds:
    """Random moments from one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def instrument(self, price: float) -> Instrument:
        pick, dice = self.dice.choice, self.dice
        perpetual = dice.random() < 0.3
        magnitude = (
            len(str(int(price))) if price >= 1 else -len(f"{price:.9f}".split(".")[1].rstrip("0"))
        )
        tick = Decimal(10) ** (magnitude - pick([4, 5, 6, 7])) * pick([1, 1, 1, 5, 25])
        lot = Decimal(10) ** -(magnitude + pick([0, 1, 2, 3, 4, 5])) * pick([1, 1, 1, 2, 5])
        quote = Asset(pick(["USDT"] * 9 + ["BTC"]))
        symbol = f"BTC/{quote}:{quote}" if perpetual else f"BTC/{quote}"
        return Instrument(
            id=InstrumentId(f"{symbol}@x"),
            symbol=symbol,
            venue=Venue("x"),
            kind=InstrumentKind.PERPETUAL if perpetual else InstrumentKind.SPOT,
            base=Asset("BTC"),
            quote=quote,
            settle=quote,
            tick_size=tick,
            lot_size=lot,
            min_quantity=lot * pick([1, 1, 10]),
            max_quantity=lot * pick([10**9, 10**9, 1000]),
            min_notional=Decimal(pick([0, 1, 5, 10])),
            maker_fee=pick([Decimal("-0.0001"), Decimal(0), Decimal("0.0002"), Decimal("0.001")]),
            taker_fee=pick(
                [
                    Decimal(0),
                    Decimal("0.0004"),
                    Decimal("0.001"),
                    Decimal("0.002"),
                    Decimal("0.006"),
                ]
            ),
            fee_in_received_asset=not perpetual and dice.random() < 0.4,
            leverage_max=Decimal(pick([1, 2, 5, 20])) if perpetual else Decimal(1),
        )

    def limits(self) -> RiskLimits:
        dice = self.dice
        if dice.random() < 0.5:
            return limits()
        day = Decimal(dice.randint(1, 2000)) / 10
        return limits(
            loss_per_day_max=day,
            loss_per_trade_max=day / dice.choice([1, 2, 3]),
            reserve=Decimal(dice.choice([0, 50, 200, 200, 900])),
            exposure_per_instrument_max=dice.choice([0.05, 0.4, 1.0]),
            exposure_total_max=dice.choice([0.1, 0.8, 1.0]),
            leverage_max=Decimal(dice.choice([1, 3, 10])),
            collar_bps=dice.choice([1.0, 30.0, 500.0]),
            slippage_allowance_bps=dice.choice([1.0, 20.0, 300.0]),
            stop_distance_max=dice.choice([0.01, 0.2, 0.5]),
            kelly_fraction=dice.choice([0.05, 0.25, 0.5]),
        )

    def quote(self, instrument: Instrument, mid: float) -> Quote:
        dice = self.dice
        half = mid * dice.choice([1e-6, 1e-5, 1e-4, 1e-3]) * dice.random()
        return Quote(
            instrument_id=instrument.id,
            bid=mid - half,
            ask=mid + half * 1.000001,
            bid_size=10.0 ** dice.uniform(0, 6) / mid,
            ask_size=10.0 ** dice.uniform(0, 6) / mid,
            venue_time_ns=1,
            received_time_ns=1,
        )

    def exposure(self, instrument: Instrument) -> Exposure:
        dice = self.dice
        here = instrument.kind is InstrumentKind.SPOT and dice.random() < 0.3
        return Exposure(
            trade_id=TradeId(f"t{dice.randint(1, 99)}"),
            strategy_id=StrategyId("other"),
            instrument_id=instrument.id if here else InstrumentId("ETH/USDT@x"),
            worst_loss=Decimal(dice.randint(0, 6_000_000)) / 1_000_000,
            notional=Decimal(dice.randint(0, 200_000)) / 1000,
        )

    def view(self, instrument: Instrument, quote: Quote) -> RiskView:
        dice = self.dice
        equity = Decimal(dice.choice([dice.randint(150, 1200), 1000, dice.randint(1000, 20000)]))
        return RiskView(
            now_ns=10**18,
            state=TradingState.ACTIVE,
            state_reason="",
            strategy_enabled=True,
            currency=Asset("USDT"),
            instrument=instrument,
            mid=Decimal(repr((quote.bid + quote.ask) * 0.5)),
            price_age_ns=dice.choice([0, 0, 0, 10**9, 11 * 10**9]),
            price_suspect=dice.random() < 0.02,
            rate=Decimal(1) if instrument.quote == "USDT" else Decimal(60_000),
            visible=Decimal(repr(quote.ask_size * 0.5)),
            equity=equity,
            realised_today=Decimal(dice.choice([0, 0, dice.randint(-19_000_000, 9_000_000)]))
            / 1_000_000,
            exposures=tuple(
                self.exposure(instrument) for _ in range(dice.choice([0, 0, 0, 1, 2, 3]))
            ),
            free={
                instrument.settle: equity * Decimal(dice.randint(1, 100)) / 100,
                Asset("BTC"): Decimal(1),
            },
            orders_last_minute=dice.choice([0, 0, 59, 60]) if dice.random() < 0.1 else 0,
            protection_possible=True,
        )

    def signal(self, instrument: Instrument, quote: Quote) -> EnterSignal:
        dice = self.dice
        mid = (quote.bid + quote.ask) * 0.5
        side = dice.choice([Side.BUY, Side.SELL])
        if instrument.kind is InstrumentKind.SPOT and dice.random() < 0.95:
            side = Side.BUY
        away = mid * 10.0 ** dice.uniform(-3.5, -0.5) * (1 if side is Side.BUY else -1)
        stop = mid - away * (-1 if dice.random() < 0.02 else 1)
        target = mid + away * dice.uniform(0.2, 5) if dice.random() < 0.5 else None
        if target is not None and target <= 0:
            target = None
        limit = mid * (1 + dice.uniform(-0.01, 0.004)) if dice.random() < 0.3 else None
        return EnterSignal(
            strategy_id=StrategyId("s"),
            instrument_id=instrument.id,
            side=side,
            stop_price=stop,
            confidence=dice.choice([1.0, 0.9, 0.8, 0.7, 0.6, dice.random()]),
            reason="",
            target_price=target,
            limit_price=limit,
        )

    def case(self) -> Case:
        mid = 10.0 ** self.dice.uniform(-4, 5)
        instrument = self.instrument(mid)
        quote = self.quote(instrument, mid)
        wish = SizingInput(
            trade_id=TradeId("t"),
            instrument=instrument,
            quote=quote,
            scale=self.dice.choice([1.0] * 9 + [0.5, 0.01, 0.0]),
        )
        return Case(
            self.signal(instrument, quote), wish, self.view(instrument, quote), self.limits()
        )

    def played_out(self, order: ApprovedOrder, intent: OrderIntent, case: Case) -> Decimal:
        """Account currency lost when the order fills somehow and its stop is hit."""
        dice, instrument, law = self.dice, case.wish.instrument, case.limits
        assert order.price is not None
        assert intent.stop_price is not None
        buying = order.side is Side.BUY
        with localcontext(prec=60):
            slip = Decimal(repr(law.slippage_allowance_bps)) / 10_000 * dice.choice([0, 1])
            better = Decimal(dice.choice([0, 0, 1, 10])) / 10_000
            paid = order.price * (1 - better if buying else 1 + better)
            got = intent.stop_price * (1 - slip if buying else 1 + slip)
            filled = order.quantity * dice.choice([Decimal(1), Decimal(1), Decimal("0.5")])
            move = (paid - got) if buying else (got - paid)
            fees = (paid + got) * max(instrument.taker_fee, instrument.maker_fee)
            assert case.view.rate is not None
            return filled * (move + fees) * case.view.rate

    def broken(self, order: ApprovedOrder, intent: OrderIntent, case: Case) -> str | None:
        """Which part of the law an approved order breaks."""
        lost = self.played_out(order, intent, case)
        if lost > order.worst_loss:
            return f"lost {lost}, approved {order.worst_loss}"
        return _money(order, case) or _form(order, intent, case)


def _money(order: ApprovedOrder, case: Case) -> str | None:
    view, law, instrument = case.view, case.limits, case.wish.instrument
    assert view.equity is not None
    assert view.mid is not None
    assert order.price is not None
    with localcontext(prec=60):
        open_loss = sum((e.worst_loss for e in view.exposures), Decimal(0))
        committed = sum((e.notional for e in view.exposures), Decimal(0))
        here = sum((e.notional for e in view.exposures if "BTC" in e.instrument_id), Decimal(0))
        worth = order.price if order.side is Side.BUY else max(order.price, view.mid)
        assert view.rate is not None
        notional = order.quantity * worth * view.rate
        leverage = min(law.leverage_max, instrument.leverage_max)
        asset_share = view.equity * Decimal(repr(law.exposure_per_instrument_max)) * leverage
        total_share = view.equity * Decimal(repr(law.exposure_total_max)) * leverage
        taken = notional / leverage + notional * max(instrument.taker_fee, instrument.maker_fee)
        today = max(Decimal(0), -view.realised_today)
        rules = {
            "loss per trade": order.worst_loss > law.loss_per_trade_max,
            "loss per day": today + open_loss + order.worst_loss > law.loss_per_day_max,
            "reserve by loss": view.equity - open_loss - order.worst_loss < law.reserve,
            "reserve by notional": view.equity - committed - taken < law.reserve,
            "exposure in the asset": here + notional > asset_share,
            "exposure in all": committed + notional > total_share,
            "free balance": taken > view.free[instrument.settle] * view.rate,
            "leverage": not 1 <= order.leverage <= leverage,
        }
    return next((name for name, broken in rules.items() if broken), None)


def _form(order: ApprovedOrder, intent: OrderIntent, case: Case) -> str | None:
    view, law, instrument = case.view, case.limits, case.wish.instrument
    assert view.mid is not None
    assert view.visible is not None
    assert view.price_age_ns is not None
    assert order.price is not None
    assert intent.stop_price is not None
    buying = order.side is Side.BUY
    worse = order.price - view.mid if buying else view.mid - order.price
    stop = intent.stop_price
    losing = min(order.price, view.mid) > stop if buying else max(order.price, view.mid) < stop
    fee = max(instrument.taker_fee, instrument.maker_fee, Decimal(0))
    kept = 1 - fee if instrument.fee_in_received_asset and buying else Decimal(1)
    left = floor_to_step(order.quantity * kept, instrument.lot_size)
    rules = {
        "collar": worse > view.mid * Decimal(repr(law.collar_bps)) / 10_000,
        "lots": order.quantity != floor_to_step(order.quantity, instrument.lot_size),
        "ticks": order.price != ceil_to_step(order.price, instrument.tick_size),
        "stop ticks": stop != ceil_to_step(stop, instrument.tick_size),
        "bounds": not instrument.min_quantity <= order.quantity <= instrument.max_quantity,
        "closable at the stop": not instrument.closable(left, min(stop, order.price)),
        "stop on the losing side": not losing,
        "liquidity": intent.taking and order.quantity > view.visible,
        "stale": view.price_age_ns > law.stale_after_s * 1e9 or view.price_suspect,
        "short spot": not buying and instrument.kind is InstrumentKind.SPOT,
        "money": instrument.settle != view.currency,
        "rate": view.orders_last_minute >= law.orders_per_minute_max,
    }
    return next((name for name, broken in rules.items() if broken), None)


class Law:
    """What the tests of the law need."""

    Worlds = Worlds
    MONEY = MONEY
    ORDER_ID = ORDER_ID
    limits = staticmethod(limits)


@pytest.fixture(scope="session")
def law() -> type[Law]:
    """Worlds, limits, names."""
    return Law
