"""freqtrade's whole backtesting command, with a market that needs no request."""

import json
import tempfile
from pathlib import Path
from typing import Any

from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType
from freqtrade.exchange.exchange import Exchange
from freqtrade.main import main

from benchmarks.peers.bars_of import CASH, FEE, STAKE, frame_of, tell

PAIR = "BTC/USDT"


def without_asking(self: Any, reload: bool = False) -> None:
    """In place of a request for all markets."""
    api = self._api_async
    limits = {"amount": {"min": 1e-8, "max": 1e8}, "cost": {"min": 5}, "price": {}}
    market = {"id": "BTCUSDT", "symbol": PAIR, "base": "BTC", "quote": "USDT", "limits": limits}
    market |= {"baseId": "BTC", "quoteId": "USDT", "type": "spot", "spot": True, "active": True}
    market |= {"precision": {"amount": 1e-8, "price": 1e-2}, "taker": FEE, "maker": FEE}
    api.set_markets([api.safe_market_structure(market)])


def run(columns: dict[str, Any]) -> int:
    """Round trips."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data", "binance")
        data.mkdir(parents=True)
        frame = frame_of(columns, "open", "high", "low", "close", "volume").tz_localize("UTC")
        frame = frame.rename_axis("date").reset_index()
        get_datahandler(data, "feather").ohlcv_store(PAIR, "1m", frame, CandleType.SPOT)
        config = Path(folder, "config.json")
        exchange = {"name": "binance", "pair_whitelist": [PAIR], "ccxt_config": {}}
        prices = {"use_order_book": False, "price_side": "same", "order_book_top": 1}
        settings = {"exchange": exchange, "stake_currency": "USDT", "stake_amount": STAKE}
        settings |= {"dry_run": True, "dry_run_wallet": CASH, "max_open_trades": 1}
        settings |= {"trading_mode": "spot", "entry_pricing": prices, "exit_pricing": prices}
        settings |= {"pairlists": [{"method": "StaticPairList"}], "timeframe": "1m"}
        settings |= {"fee": FEE, "dataformat_ohlcv": "feather", "user_data_dir": folder}
        config.write_text(json.dumps(settings))
        told = Path(folder, "backtest_results")
        told.mkdir()
        words = ["backtesting", "-c", str(config), "--strategy", "Cross", "--datadir", str(data)]
        words += ["--strategy-path", str(Path(__file__).parent), "--cache", "none"]
        try:
            main([*words, "--export", "trades", "--export-directory", str(told)])
        except SystemExit as end:
            if end.code:
                raise
        return _trades(told)


def _trades(folder: Path) -> int:
    import zipfile

    (archive,) = folder.glob("*.zip")
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".json") and "config" not in n)
        strategies = json.loads(packed.read(name))["strategy"]
    return len(strategies["Cross"]["trades"])


Exchange._load_async_markets = without_asking
tell(run)
