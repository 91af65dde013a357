"""Fills, fees and final equity as in backtesting.py, funding as in freqtrade: to the cent.

Where the models coincide: market orders at the next bar's open, a fee on the notional of each
side, no spread, no slippage, size well within the bar. docs/RESEARCH.md lists where they do not.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from tradewinds.config import Settings
from tradewinds.market.instruments import instruments_from_prices
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, FundingRate, MarkPrice, Side
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal
from tradewinds.ports import MarketView, Subscription
from tradewinds.research.backtest import BacktestResult, backtest
from tradewinds.sources import Past
from tradewinds.strategies import registry

Ask = Callable[..., dict[str, Any]]
Hours = Callable[..., dict[str, list[Any]]]
HOUR_NS = 3_600_000_000_000
SECOND_NS = 1_000_000_000
MAJORS = "spot_binance_1h_2020-01_2024-09_majors.parquet"
FUTURES = "futures_binance_1h_funding_mark_2023-01_2024-05.parquet"
CENT = 0.005
HELD_BARS = (5, 11, 24, 3, 40)
EVERY = 48


class GivenParams(Struct, frozen=True, kw_only=True):
    """Which way."""

    side: str = "buy"


class Given:
    """Enters after the second bar and every 48th from there; leaves some bars later."""

    Params: ClassVar[type[Struct]] = GivenParams

    def __init__(
        self, strategy_id: StrategyId, params: GivenParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self.params = params
        self.ids = [each.id for each in instruments]
        self.bar = -1

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Bar, instrument_id=each) for each in self.ids]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        assert isinstance(event, Bar)
        self.bar += 1
        number, place = divmod(self.bar - 1, EVERY)
        held = view.open_trades(self.strategy_id)
        if place == HELD_BARS[number % len(HELD_BARS)] and held:
            return [
                ExitSignal(strategy_id=self.strategy_id, trade_id=held[0].trade_id, reason="time")
            ]
        if place or held:
            return []
        side = Side(self.params.side)
        # A stop that is never reached, and on a perpetual not beyond liquidation.
        far = 0.19 if ":" in event.instrument_id else 0.45
        away = -far if side is Side.BUY else far
        return [
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=event.instrument_id,
                side=side,
                stop_price=event.close * (1 + away),
                confidence=0.9,
                reason="given",
            )
        ]


@pytest.fixture(autouse=True)
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "load", lambda _: Given)
    monkeypatch.setattr("tradewinds.parts.load", lambda _: Given)


def settings_for(side: str) -> Settings:
    """No slippage, no latency to speak of, a law wide enough that it decides nothing here."""
    return Settings.model_validate(
        {
            "strategies": {"given": {"params": {"side": side}}},
            "sim": {"slippage_bps": 0, "latency_ms": 0, "volume_share_max": 1},
            "limits": {
                "collar_bps": 500, "loss_per_trade_max": 500, "loss_per_day_max": 900,
                "drawdown_scale": 0.7, "drawdown_reduce": 0.8, "drawdown_halt": 0.9,
                "kelly_fraction": 0.5, "exposure_per_instrument_max": 0.8, "stop_distance_max": 0.5,
            },
        }
    )  # fmt: skip


def traded(
    bars: dict[str, list[Any]], symbol: str, side: str, more: Sequence[MarketEvent] = ()
) -> tuple[BacktestResult, Instrument]:
    """Ours, with fees in the quote asset, as the others know no other."""
    id_ = InstrumentId(f"{symbol}@binance")
    (made,) = instruments_from_prices({id_: bars["close"] + bars["open"]})
    kept = {name: getattr(made, name) for name in made.__struct_fields__}
    instrument = Instrument(**kept | {"fee_in_received_asset": False})
    events: list[MarketEvent] = [
        Bar(
            instrument_id=id_,
            timeframe_ns=HOUR_NS,
            open_time_ns=ts,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            venue_time_ns=ts + HOUR_NS,
            received_time_ns=ts + HOUR_NS,
        )
        for ts, open_, high, low, close, volume in zip(*bars.values(), strict=True)
    ]
    events = sorted([*events, *more], key=lambda event: event.received_time_ns)
    past = Past(
        label="REPLAY oracle",
        synthetic=False,
        instruments=(instrument,),
        blocks=[events],
        history={},
        default_params={},
    )
    return backtest(settings_for(side), past, ("given",)), instrument


def plan_of(result: BacktestResult, bars: dict[str, list[Any]]) -> list[tuple[int, int, float]]:
    """After which bar each trade was entered and left, and its signed size, for the others."""
    number = {ts + HOUR_NS: index for index, ts in enumerate(bars["ts"])}
    plan = []
    for trade in result.trades:
        entered = number[trade.opened_time_ns]
        held = HELD_BARS[(entered - 1) // EVERY % len(HELD_BARS)]
        sign = 1 if trade.side is Side.BUY else -1
        plan.append((entered, entered + held, sign * float(trade.entry_quantity)))
    return plan


@pytest.mark.parametrize(
    ("symbol", "file", "side", "where"),
    [
        ("BTC/USDT", MAJORS, "buy", {}),
        ("SOL/USDT", MAJORS, "buy", {}),
        ("ETH/USDT:USDT", FUTURES, "sell", {"kind": "futures", "tf": "1h"}),
    ],
)
def test_fills_fees_and_final_equity_agree_to_the_cent(
    ask: Ask, hours: Hours, symbol: str, file: str, side: str, where: dict[str, str]
) -> None:
    plain = symbol.partition(":")[0].replace("/", "")
    bars = hours(plain, file, 9_000, 24 * 60, **where)
    assert len(bars["ts"]) == 24 * 60
    result, instrument = traded(bars, symbol, side)
    assert len(result.trades) >= 25
    said = ask(
        "trades",
        bars=bars,
        plan=plan_of(result, bars),
        cash=1_000,
        fee=float(instrument.taker_fee),
        margin=1.0 if side == "buy" else 0.1,
        unit=float(instrument.lot_size),
    )
    assert len(said["trades"]) == len(result.trades)
    for mine, other in zip(result.trades, said["trades"], strict=True):
        assert float(mine.entry_price) == pytest.approx(other["entry"], rel=1e-9)
        assert float(mine.exit_price) == pytest.approx(other["exit"], rel=1e-9)
        assert float(mine.fees) == pytest.approx(other["fees"], abs=CENT)
        assert float(mine.realised) == pytest.approx(other["net"], abs=CENT)
    final = result.equity[-1][1]
    assert float(final) == pytest.approx(said["final"], abs=CENT)
    assert abs(float(final) - 1_000) > 1


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_funding_agrees_with_freqtrade_to_the_cent(ask: Ask, hours: Hours, side: str) -> None:
    """Real rates and marks of a perpetual, over every trade that was held while they fell due."""
    symbol = "BTC/USDT:USDT"
    plain = "BTCUSDT"
    bars = hours(plain, FUTURES, 2_000, 24 * 30, kind="futures", tf="1h")
    first, last = bars["ts"][0], bars["ts"][-1]
    marks = hours(plain, FUTURES, 0, 10**6, kind="mark")
    due = hours(plain, FUTURES, 0, 10**6, kind="funding_rate")
    opens = dict(zip(marks["ts"], marks["open"], strict=True))
    # Recorded some milliseconds late now and then; due it was on the hour.
    whole = [(t // HOUR_NS * HOUR_NS, r) for t, r in zip(due["ts"], due["open"], strict=True)]
    rates = [(t, r) for t, r in whole if first < t < last]
    id_ = InstrumentId(f"{symbol}@binance")
    more: list[MarketEvent] = []
    for time_ns, rate in rates:
        stamp = {"instrument_id": id_, "venue_time_ns": time_ns, "received_time_ns": time_ns}
        more += [MarkPrice(price=opens[time_ns], **stamp), FundingRate(rate=rate, **stamp)]
    result, _ = traded(bars, symbol, side, more)
    assert len(result.trades) >= 10
    said = ask(
        "funding",
        times=[t for t, _ in rates],
        rates=[r for _, r in rates],
        marks=[opens[t] for t, _ in rates],
        short=side == "sell",
        # It also counts what falls due in the very moment of the entry; a venue charges who
        # holds, and we hold from the moment after. We left at the open of the bar whose close
        # told us so.
        positions=[
            [
                float(trade.entry_quantity),
                trade.opened_time_ns + SECOND_NS,
                trade.closed_time_ns - HOUR_NS,
            ]
            for trade in result.trades
        ],
    )
    total = sum(said["fees"])
    paid = result.performance.realised.funding
    assert abs(total) > 0.05
    assert float(-paid) == pytest.approx(total, abs=CENT)
    assert Decimal(0) != paid
