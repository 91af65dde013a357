"""A few listings with the filters such symbols really have, for tests and for practice."""

from decimal import Decimal

from tradewinds.practice.listing import Listing


def spot_listings() -> tuple[Listing, ...]:
    """BTCUSDT, ETHUSDT, BNBUSDT, ETHBTC, and one whose name is not ASCII."""
    return (
        _spot("BTC", "USDT", "0.01", "0.00001", "5"),
        _spot("ETH", "USDT", "0.01", "0.0001", "5"),
        _spot("BNB", "USDT", "0.01", "0.001", "5"),
        _spot("ETH", "BTC", "0.00001", "0.0001", "0.0001"),
        _spot("这是测试币456", "USDT", "0.0001", "0.1", "5"),
    )


def usdm_listings() -> tuple[Listing, ...]:
    """BTCUSDT and ETHUSDT perpetuals."""
    return (
        _perpetual("BTC", "0.10", "0.001", "100"),
        _perpetual("ETH", "0.01", "0.001", "20"),
    )


def coinbase_listings() -> tuple[Listing, ...]:
    """BTC-USD, ETH-USD, BTC-USDT and ETH-BTC, at the fees of the entry tier."""
    return (
        _product("BTC", "USD", "0.01", "0.00000001", "1"),
        _product("ETH", "USD", "0.01", "0.00000001", "1"),
        _product("BTC", "USDT", "0.01", "0.00000001", "1"),
        _product("ETH", "BTC", "0.00001", "0.00000001", "0.000016"),
    )


def _product(base: str, quote: str, tick: str, step: str, worth: str) -> Listing:
    return Listing(
        symbol=f"{base}-{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(3_400),
        min_notional=Decimal(worth),
        maker_fee=Decimal("0.004"),
        taker_fee=Decimal("0.006"),
    )


def _spot(base: str, quote: str, tick: str, step: str, notional: str) -> Listing:
    return Listing(
        symbol=f"{base}{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(9_000),
        market_max_quantity=Decimal(100),
        min_notional=Decimal(notional),
    )


def _perpetual(base: str, tick: str, step: str, notional: str) -> Listing:
    return Listing(
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(1_000),
        market_max_quantity=Decimal(120),
        min_notional=Decimal(notional),
        percent_up=Decimal("1.05"),
        percent_down=Decimal("0.95"),
        max_stop_orders=200,
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
    )
