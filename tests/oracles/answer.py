"""Runs in .venv.oracles, which knows nothing of us: a line of JSON is a question, the next line out
its answer, until there are no more."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, unused-ignore"

import json
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
Answer = dict[str, Any]


def performance(question: Answer) -> Answer:
    """Daily closes of an equity curve and net results of trades, by two libraries."""
    import empyrical
    import quantstats.stats as qs

    closes = pd.Series(
        question["closes"], index=pd.to_datetime(question["times"], unit="ns"), dtype=float
    )
    returns = closes.pct_change().fillna(0.0)
    changes = returns.iloc[1:]
    trades = pd.Series(question["nets"], dtype=float)
    return {
        "quantstats": {
            "volatility": qs.volatility(returns, periods=365),
            "sharpe": qs.sharpe(returns, periods=365),
            "sortino": qs.sortino(returns, periods=365),
            "cagr": qs.cagr(changes, periods=365),
            "drawdown": -qs.max_drawdown(returns),
            "calmar": qs.calmar(changes, periods=365),
            "win_rate": qs.win_rate(trades),
            "profit_factor": qs.profit_factor(trades),
            "average_win": qs.avg_win(trades),
            "average_loss": -qs.avg_loss(trades),
            "wins_in_a_row": qs.consecutive_wins(trades),
            "losses_in_a_row": qs.consecutive_losses(trades),
        },
        "empyrical": {
            "volatility": empyrical.annual_volatility(returns, annualization=365),
            "sharpe": empyrical.sharpe_ratio(returns, annualization=365),
            "sortino": empyrical.sortino_ratio(returns, annualization=365),
            "cagr": empyrical.annual_return(changes, annualization=365),
            "drawdown": -empyrical.max_drawdown(returns),
            "calmar": empyrical.calmar_ratio(changes, annualization=365),
            "omega": empyrical.omega_ratio(returns, annualization=365),
            "total": empyrical.cum_returns_final(returns),
        },
    }


def indicators(question: Answer) -> Answer:
    """TA-Lib's own, NaN as null."""
    import talib

    high, low, close = (np.asarray(question[key], dtype=float) for key in ("high", "low", "close"))
    period = question["period"]
    found = {
        "ema": talib.EMA(close, period),
        "atr": talib.ATR(high, low, close, period),
        "true_range": talib.TRANGE(high, low, close),
        "max": talib.MAX(high, period),
        "mean": talib.SMA(close, period),
    }
    return {
        name: [None if np.isnan(value) else float(value) for value in values]
        for name, values in found.items()
    }


def trades(question: Answer) -> Answer:
    """backtesting.py on the same bars, entering and leaving after the same bars."""
    from backtesting import Strategy
    from backtesting.lib import FractionalBacktest

    bars = question["bars"]
    frame = pd.DataFrame(
        {name.capitalize(): bars[name] for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(bars["ts"], unit="ns"),
    )
    unit = question["unit"]
    plan = {int(bar): (int(leave), size) for bar, leave, size in question["plan"]}

    class Given(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.leave_at = -1

        def next(self) -> None:
            bar = len(self.data) - 1
            if bar == self.leave_at:
                self.position.close()
            if bar in plan:
                self.leave_at, size = plan[bar]
                if size > 0:
                    self.buy(size=round(size / unit))
                else:
                    self.sell(size=round(-size / unit))

    test = FractionalBacktest(
        frame, Given, cash=question["cash"], commission=question["fee"],
        margin=question["margin"], fractional_unit=unit,
    )  # fmt: skip
    found = test.run()
    rows = found["_trades"]
    return {
        "final": float(found["_equity_curve"]["Equity"].iloc[-1]),
        "trades": [
            {
                "size": float(row.Size),
                "entry": float(row.EntryPrice),
                "exit": float(row.ExitPrice),
                "fees": float(row.Commission),
                "net": float(row.PnL),
            }
            for row in rows.itertuples()
        ],
    }


def funding(question: Answer) -> Answer:
    """freqtrade's sum of the funding fees of positions held from one moment to another."""
    from freqtrade.exchange import Exchange

    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(question["times"], unit="ns", utc=True),
            "open_fund": question["rates"],
            "open_mark": question["marks"],
        }
    )
    exchange = Exchange.__new__(Exchange)
    fees = [
        exchange.calculate_funding_fees(
            frame,
            amount=amount,
            is_short=question["short"],
            open_date=moment(opened),
            close_date=moment(closed),
        )
        for amount, opened, closed in question["positions"]
    ]
    return {"fees": [float(fee) for fee in fees]}


def moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / 1e9, UTC)


ASKED = {
    "performance": performance,
    "indicators": indicators,
    "trades": trades,
    "funding": funding,
}

if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(ASKED[asked.pop("about")](asked), default=float), file=answers, flush=True)
