"""vectorbt, all bars at once; the first round compiles."""

from typing import Any

import vectorbt as vbt

from benchmarks.peers.bars_of import CASH, FAST, FEE, SLOW, STAKE, frame_of, tell


def run(columns: dict[str, Any]) -> int:
    """Round trips."""
    close = frame_of(columns, "Open", "High", "Low", "Close", "Volume")["Close"]
    fast, slow = (vbt.MA.run(close, length, ewm=True) for length in (FAST, SLOW))
    portfolio = vbt.Portfolio.from_signals(
        close,
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        size=STAKE,
        size_type="value",
        init_cash=CASH,
        fees=FEE,
        freq="1min",
    )
    portfolio.total_return()
    return int(portfolio.trades.count())


tell(run, rounds=3)
