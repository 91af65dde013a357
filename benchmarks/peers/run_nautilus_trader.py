"""nautilus_trader's first engine (Cython) with its own example strategy."""

from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.examples.strategies.ema_cross_long_only import (
    EMACrossLongOnly,
    EMACrossLongOnlyConfig,
)
from nautilus_trader.model import BarType, Money, TraderId, Venue
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from benchmarks.peers.bars_of import CASH, FAST, SLOW, frame_of, tell


def run(columns: dict[str, Any]) -> int:
    """Round trips."""
    logging = LoggingConfig(bypass_logging=True)
    config = BacktestEngineConfig(
        trader_id=TraderId("BENCH-001"), logging=logging, run_analysis=False
    )
    engine = BacktestEngine(config=config)
    engine.add_venue(
        venue=Venue("BINANCE"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        starting_balances=[Money(CASH, USDT)],
    )
    instrument = TestInstrumentProvider.btcusdt_binance()
    engine.add_instrument(instrument)
    bar_type = BarType.from_str("BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL")
    frame = frame_of(columns, "open", "high", "low", "close", "volume").tz_localize("UTC")
    engine.add_data(BarDataWrangler(bar_type, instrument).process(frame))
    wish = EMACrossLongOnlyConfig(
        instrument_id=instrument.id,
        bar_type=bar_type,
        trade_size=Decimal(10),
        fast_ema_period=FAST,
        slow_ema_period=SLOW,
        request_historical_bars=False,
    )
    engine.add_strategy(EMACrossLongOnly(config=wish))
    engine.run()
    trades = len(engine.cache.orders()) // 2
    engine.dispose()
    return trades


tell(run)
