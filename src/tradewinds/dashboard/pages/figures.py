"""Performance under the names the field knows, or an honest word on why there is none yet."""

from tradewinds.dashboard import formats
from tradewinds.dashboard.views import Column, Row, plain
from tradewinds.dashboard.widgets import Grid, Tile, panel, tag
from tradewinds.ledger.performance import Performance
from tradewinds.ledger.performance_rows import ABSENT, to_rows
from tradewinds.model.ids import Asset

DAYS_MIN = 20
TRADES_MIN = 20
ANNUALISED = frozenset({"CAGR %", "Volatility (annual)", "Sharpe", "Sortino", "Calmar", "Omega"})
NEEDS_MARKET = frozenset({"Market change (buy and hold)", "Better than the market by"})
COLUMNS = 3


class HeadFigures:
    """The six that are looked at first."""

    def __init__(self) -> None:
        names = ("Net result", "Costs paid", "Win rate", "Profit factor", "Sharpe", "Max drawdown")
        with tag("div", "tiles"):
            self._tiles = {name: Tile(name) for name in names}

    def show(self, result: Performance) -> None:
        """From one reading of the history."""
        self._money(result)
        self._trades(result)
        self._risk(result)

    def _money(self, result: Performance) -> None:
        realised, share = result.realised, result.cost_share
        self._tiles["Net result"].result(realised.net, f"gross {formats.signed(realised.gross)}")
        of_gross = "no gross profit to compare with"
        if share is not None:
            of_gross = f"{formats.percent(share, 0)} of the gross result"
        self._tiles["Costs paid"].amount(formats.money(realised.costs), of_gross)

    def _trades(self, result: Performance) -> None:
        trades = result.trades
        if trades.trades < TRADES_MIN or trades.win_rate is None:
            short = f"needs {TRADES_MIN} closed trades, has {trades.trades}"
            self._tiles["Win rate"].amount(formats.DASH, short)
            self._tiles["Profit factor"].amount(formats.DASH, short)
            return
        counts = f"{trades.wins} won, {trades.losses} lost"
        self._tiles["Win rate"].amount(formats.percent(trades.win_rate, 1), counts)
        factor = formats.DASH if trades.profit_factor is None else f"{trades.profit_factor:.2f}"
        mean = formats.signed_amount(trades.expectancy or 0.0)
        self._tiles["Profit factor"].amount(factor, f"{mean} expected per trade")

    def _risk(self, result: Performance) -> None:
        sharpe, days = result.returns.sharpe, result.days.days
        if days < DAYS_MIN or sharpe is None:
            self._tiles["Sharpe"].amount(formats.DASH, f"needs {DAYS_MIN} days, has {days}")
        else:
            sortino = result.returns.sortino
            other = "" if sortino is None else f", Sortino {sortino:.2f}"
            self._tiles["Sharpe"].amount(f"{sharpe:.2f}", f"{days} days{other}")
        fall = result.drawdown
        if fall is None:
            self._tiles["Max drawdown"].amount(formats.percent(0.0), "never below a peak yet")
            return
        lasted = formats.duration(fall.underwater_ns / 1e9)
        self._tiles["Max drawdown"].amount(
            formats.percent(fall.share), f"{formats.money(fall.amount)}, {lasted} under water"
        )


class AllFigures:
    """Every figure there is, in columns of name and value."""

    def __init__(self) -> None:
        body, _ = panel("All figures")
        with body.classes("flush figures"):
            columns = (Column("Figure"), Column("Value", "num"))
            self._grids = [Grid("Figures", columns, "Nothing yet.") for _ in range(COLUMNS)]

    def show(self, result: Performance, currency: Asset) -> None:
        """From one reading of the history."""
        rows = [
            Row(name, (plain(name, "dim"), plain(honest(name, text, result))))
            for name, text in to_rows(result, currency)
            if not (name in NEEDS_MARKET and text == ABSENT)
        ]
        height = -(-len(rows) // COLUMNS)
        for number, grid in enumerate(self._grids):
            grid.show(rows[number * height : (number + 1) * height])


def honest(name: str, text: str, result: Performance) -> str:
    """An annualised figure of a few days is noise: say what it needs instead."""
    if name in ANNUALISED and result.days.days < DAYS_MIN:
        return f"needs {DAYS_MIN} days"
    return formats.DASH if text == ABSENT else text.replace("-", formats.MINUS)
