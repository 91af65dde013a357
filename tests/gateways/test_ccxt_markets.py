import math
from decimal import Decimal

import pytest

from tradewinds.gateways.ccxt_feed import public_exchange
from tradewinds.gateways.ccxt_markets import instrument_from, number
from tradewinds.model.instrument import InstrumentKind, InstrumentStatus

MARKET = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "spot": True,
    "active": True,
    "maker": 0.001,
    "taker": 0.001,
    "feeSide": "get",
    "precision": {"price": 0.01, "amount": 1e-05},
    "limits": {"amount": {"min": 1e-05, "max": 9000.0}, "cost": {"min": 5.0, "max": None}},
}


def test_an_instrument_has_the_venues_filters_and_fees():
    made = instrument_from(MARKET, "binance", 4)
    assert made is not None
    assert (made.tick_size, made.lot_size) == (Decimal("0.01"), Decimal("0.00001"))
    assert (made.min_quantity, made.max_quantity) == (Decimal("0.00001"), Decimal(9000))
    assert (made.min_notional, made.taker_fee) == (Decimal(5), Decimal("0.001"))
    assert made.fee_in_received_asset
    assert made.status is InstrumentStatus.TRADING


@pytest.mark.parametrize(
    ("active", "status"),
    [
        (True, InstrumentStatus.TRADING),
        (False, InstrumentStatus.HALTED),
        (None, InstrumentStatus.CLOSE_ONLY),
        ("maybe", InstrumentStatus.CLOSE_ONLY),
    ],
)
def test_a_status_we_do_not_know_only_closes(active, status):
    assert instrument_from(MARKET | {"active": active}, "x", 4).status is status


def test_unknown_fees_are_dear_and_unknown_limits_absent():
    bare = {k: v for k, v in MARKET.items() if k not in {"maker", "taker", "limits", "feeSide"}}
    made = instrument_from(bare, "x", 4)
    assert (made.maker_fee, made.taker_fee) == (Decimal("0.004"), Decimal("0.006"))
    assert (made.min_quantity, made.min_notional) == (made.lot_size, 0)
    assert not made.fee_in_received_asset


@pytest.mark.parametrize(
    ("change", "mode"),
    [
        ({"precision": {"price": None, "amount": 1e-5}}, 4),
        ({"precision": {"price": "NaN", "amount": 1e-5}}, 4),
        ({"precision": {"price": 0, "amount": 1e-5}}, 4),
        ({"precision": {}}, 4),
        ({}, 3),
        ({"spot": False, "swap": True, "linear": False, "contractSize": 1}, 4),
        ({"spot": False, "swap": True, "linear": True, "contractSize": 0.01}, 4),
        ({"spot": False, "option": True}, 4),
    ],
)
def test_what_cannot_be_represented_exactly_is_left_out(change, mode):
    assert instrument_from(MARKET | change, "x", mode) is None


def test_decimal_places_and_perpetuals_are_understood():
    places = MARKET | {"precision": {"price": 2, "amount": 5}}
    assert instrument_from(places, "x", 2).tick_size == Decimal("0.01")
    perpetual = MARKET | {
        "symbol": "BTC/USDT:USDT",
        "spot": False,
        "swap": True,
        "linear": True,
        "contractSize": 1.0,
        "settle": "USDT",
    }
    made = instrument_from(perpetual, "x", 4)
    assert made.kind is InstrumentKind.PERPETUAL
    assert not made.fee_in_received_asset


def test_numbers_are_finite_or_nothing():
    assert [number(v) for v in (1, "2.5", None, math.nan, "inf", "", [], True, 10**400)] == [
        1.0,
        2.5,
        *[None] * 7,
    ]


def test_what_ccxt_itself_parses_from_exchange_info_becomes_an_instrument():
    exchange = public_exchange("binance")
    exchange.options["crossMarginPairsData"] = []
    exchange.options["isolatedMarginPairsData"] = []
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01", "minPrice": "0.01", "maxPrice": "9e6"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001", "maxQty": "9000"},
        {"filterType": "NOTIONAL", "minNotional": "5.0", "maxNotional": "9000000"},
    ]
    listed = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "isSpotTradingAllowed": True,
        "filters": filters,
        "permissions": ["SPOT"],
        "orderTypes": ["LIMIT"],
    }
    exchange.set_markets([exchange.parse_market(listed)])
    made = instrument_from(exchange.markets["BTC/USDT"], "binance", exchange.precisionMode)
    assert made.tick_size == Decimal("0.01")
    assert made.lot_size == Decimal("0.00001")
    assert made.min_notional == 5
    assert made.taker_fee == Decimal("0.001")
    assert made.fee_in_received_asset
    halted = exchange.parse_market(listed | {"status": "BREAK"})
    assert instrument_from(halted, "binance", 4).status is InstrumentStatus.HALTED
