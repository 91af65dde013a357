from decimal import Decimal

import pytest

from tradewinds.market.archive import Archive
from tradewinds.market.instruments import instruments_from_bars, instruments_from_prices
from tradewinds.market.selection import Selection
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.market import Bar


def only(id_, *prices, **others):
    found = {i.id: i for i in instruments_from_prices({id_: prices, **others})}
    return found[id_]


def test_the_tick_is_the_finest_decimal_seen():
    assert only("BTC/USDT@binance", 61837.6, 61837.61).tick_size == Decimal("0.01")
    assert only("PEPE/USDT@binance", 1.234e-05).tick_size == Decimal("1E-8")
    assert only("BTC/USDT@binance", 61837.0).tick_size == Decimal(1)


def test_float_noise_is_no_tick():
    assert only("XRP/USDT@binance", 1.33, 0.1 + 0.2).tick_size == Decimal("0.01")


@pytest.mark.parametrize("price", [61837.63, 2500.0, 17.5, 0.5, 0.0047, 1.2e-5])
def test_one_lot_is_worth_ten_cents_at_most_unless_it_is_a_whole_coin(price):
    lot = only("X/USDT@binance", price).lot_size
    assert lot == 1 or float(lot) * price <= 0.1
    assert lot == 1 or float(lot) * price > 0.01


def test_a_lot_priced_in_bitcoin_is_judged_in_dollars():
    cross = only("ETH/BTC@binance", 0.05, **{"BTC/USDT@binance": (60_000.0,)})
    assert cross.lot_size == Decimal("0.00001")
    assert cross.min_notional == Decimal("0.0001")
    assert only("ETH/BTC@binance", 0.05).lot_size == Decimal("0.00001")


def test_fees_are_the_entry_tier_and_an_unknown_venue_is_dear():
    fees = {
        venue: (only(f"BTC/USDT@{venue}", 1.5).maker_fee, only(f"BTC/USDT@{venue}", 1.5).taker_fee)
        for venue in ("binance", "coinbase", "nowhere")
    }
    assert fees["binance"] == (Decimal("0.001"), Decimal("0.001"))
    assert fees["coinbase"] == fees["nowhere"] == (Decimal("0.004"), Decimal("0.006"))
    assert only("BTC/USDT@binance", 1.5).fee_in_received_asset


def test_a_perpetual_settles_in_its_quote():
    perpetual = only("BTC/USDT:USDT@binance", 61837.6)
    assert perpetual.kind is InstrumentKind.PERPETUAL
    assert (perpetual.base, perpetual.quote, perpetual.settle) == ("BTC", "USDT", "USDT")
    assert perpetual.leverage_max > 1
    assert not perpetual.fee_in_received_asset


def test_a_symbol_without_meaning_has_no_instrument():
    assert instruments_from_prices({"???@binance": [1.0]}) == ()
    assert instruments_from_prices({"BTC/USDT@binance": []}) == ()


def test_bars_give_one_instrument_for_each_id():
    bars = [
        Bar(
            instrument_id=id_,
            timeframe_ns=1,
            open_time_ns=0,
            open=1.5,
            high=2.25,
            low=1.0,
            close=2.0,
            volume=1.0,
            venue_time_ns=1,
            received_time_ns=1,
        )
        for id_ in ("B/USDT@x", "A/USDT@x", "B/USDT@x")
    ]
    found = instruments_from_bars(bars)
    assert [(i.id, i.tick_size) for i in found] == [
        ("A/USDT@x", Decimal("0.01")),
        ("B/USDT@x", Decimal("0.01")),
    ]


def test_recorded_binance_prices_give_binance_ticks(recorded):
    """Uses ../shared/data."""
    path = recorded / "triangles_binance_1m_2021-04-20_2021-05-20.parquet"
    ticks = {i.symbol: i.tick_size for i in Archive([path], Selection()).instruments}
    assert ticks["BTC/USDT"] == Decimal("0.01")
    assert ticks["ETH/BTC"] == Decimal("0.000001")
    assert ticks["DOGE/BTC"] == Decimal("1E-8")
    assert len(ticks) == 11
