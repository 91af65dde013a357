import pytest

from tradewinds.model.symbols import split_symbol, unified_symbol
from tradewinds.model.timeframes import parse_timeframe, timeframe_text


@pytest.mark.parametrize(
    ("spelling", "pair"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("USDCUSDT", ("USDC", "USDT")),
        ("USDTUSD", ("USDT", "USD")),
        ("ETHBTC", ("ETH", "BTC")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("1000PEPEUSDT", ("1000PEPE", "USDT")),
        ("BTC-USD", ("BTC", "USD")),
        ("BTC/USDT:USDT", ("BTC", "USDT")),
        ("USDT", None),
        ("", None),
        ("/USDT", None),
        ("WHATEVER", None),
    ],
)
def test_a_symbol_splits_into_base_and_quote(spelling, pair):
    assert split_symbol(spelling) == pair


def test_our_spelling_of_a_perpetual_names_what_it_settles_in():
    assert unified_symbol("BTCUSDT") == "BTC/USDT"
    assert unified_symbol("BTCUSDT", perpetual=True) == "BTC/USDT:USDT"
    assert unified_symbol("?") is None


@pytest.mark.parametrize("text", ["1s", "1m", "5m", "1h", "4h", "1d"])
def test_a_timeframe_reads_back_as_written(text):
    length = parse_timeframe(text)
    assert length is not None
    assert timeframe_text(length) == text


@pytest.mark.parametrize("text", ["", "m", "0m", "-1m", "1.5h", "1y", "5", "٣m"])
def test_what_is_no_timeframe_is_none(text):
    assert parse_timeframe(text) is None


def test_a_week_is_told_in_days():
    assert timeframe_text(parse_timeframe("1w") or 0) == "7d"
