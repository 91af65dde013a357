"""backtesting.py, event by event in Python."""

from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from benchmarks.peers.bars_of import CASH, FAST, FEE, SLOW, STAKE, frame_of, tell


def ema(values: Any, length: int) -> Any:
    """Exponential average."""
    return pd.Series(values).ewm(span=length, adjust=False).mean()


class Cross(Strategy):  # type: ignore[misc]
    """Long above, flat below."""

    def init(self) -> None:
        """Both averages."""
        self.fast = self.I(ema, self.data.Close, FAST)
        self.slow = self.I(ema, self.data.Close, SLOW)

    def next(self) -> None:
        """One bar."""
        if crossover(self.fast, self.slow):
            self.buy(size=int(STAKE / self.data.Close[-1]) or 1)
        elif crossover(self.slow, self.fast):
            self.position.close()


def run(columns: dict[str, Any]) -> int:
    """Round trips."""
    frame = frame_of(columns, "Open", "High", "Low", "Close", "Volume")
    test = Backtest(frame, Cross, cash=CASH, commission=FEE, finalize_trades=True)
    return int(test.run()["# Trades"])


tell(run)
