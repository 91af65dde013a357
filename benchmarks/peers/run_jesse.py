"""jesse, through its research module: no project, no database."""

import os
import tempfile
from typing import Any

os.chdir(tempfile.mkdtemp())

import jesse.helpers as jh  # noqa: E402
import numpy as np  # noqa: E402
from jesse import utils  # noqa: E402
from jesse.indicators import ema  # noqa: E402
from jesse.research import backtest  # noqa: E402
from jesse.strategies import Strategy  # noqa: E402

from benchmarks.peers.bars_of import CASH, FAST, FEE, SLOW, STAKE, tell  # noqa: E402

EXCHANGE, SYMBOL = "Fake Exchange", "BTC-USDT"


class Cross(Strategy):  # type: ignore[misc]
    """Long above, flat below."""

    def _above(self) -> bool:
        candles = self.candles[-4 * SLOW :]
        return bool(ema(candles, FAST) > ema(candles, SLOW))

    def should_long(self) -> bool:
        """No position and above."""
        return self._above()

    def go_long(self) -> None:
        """At market."""
        self.buy = utils.size_to_qty(STAKE, self.price), self.price

    def update_position(self) -> None:
        """Below."""
        if not self._above():
            self.liquidate()

    def should_cancel_entry(self) -> bool:
        """Asked for by the base."""
        return True


def run(columns: dict[str, Any]) -> int:
    """Round trips."""
    order = ("ts", "open", "close", "high", "low", "volume")
    candles = np.column_stack([columns[name].astype(float) for name in order])
    config = {
        "starting_balance": CASH,
        "fee": FEE,
        "type": "spot",
        "futures_leverage": 1,
        "futures_leverage_mode": "cross",
        "exchange": EXCHANGE,
        "warm_up_candles": 0,
    }
    route = {"exchange": EXCHANGE, "strategy": Cross, "symbol": SYMBOL, "timeframe": "1m"}
    key = jh.key(EXCHANGE, SYMBOL)
    data = {key: {"exchange": EXCHANGE, "symbol": SYMBOL, "candles": candles}}
    result = backtest(config, [route], [], data)
    return int(result["metrics"]["total"])


tell(run)
