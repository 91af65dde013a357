"""Parameters chosen on one stretch of the past, judged on the next: the only figures to believe."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from msgspec import Struct

from tradewinds.ledger.curve import NOISE, Point
from tradewinds.ledger.results import NOTHING, Totals
from tradewinds.model.decimals import ZERO
from tradewinds.research.bootstrap import Interval, Intervals, intervals_of, trade_intervals
from tradewinds.research.deflated import expected_best_sharpe
from tradewinds.research.scores import WORST, Figures, daily_sharpe, figures_of, score
from tradewinds.research.standing import Standing
from tradewinds.research.trial import Stretch, Task, Trial, attempt, stretch
from tradewinds.research.windows import Window

TRADES_MIN: Final = 5
"""A parameter set with fewer trades in training is not chosen."""
Candidates = Sequence[dict[str, Any]]


class Tried(Struct, frozen=True, kw_only=True):
    """One candidate in one window's training: what it would have been chosen by. `lead` is how many
    standard errors its days were better than those of the settings in force.
    """

    params: dict[str, Any]
    score: float | None
    total: float
    trades: int
    sharpe: float | None
    lead: float | None


class WindowResult(Struct, frozen=True, kw_only=True):
    """Three accounts in one test: `chosen` traded with what training ranked first, `benched` did
    the same but stayed out where training itself made no profit, `shipped` had the settings as
    they are. `tried` holds every candidate of the training, losers included.
    """

    window: Window
    tried: tuple[Tried, ...]
    chosen: Trial
    benched: Trial
    shipped: Trial


class Whole(Struct, frozen=True, kw_only=True):
    """All test windows as one record: their daily returns one after another.

    One account goes through all of them, and keeps its peak, its halts and what the selector
    learned. `drawdown` is the deepest fall of its curve, points within days included.
    """

    figures: Figures
    intervals: Intervals
    drawdown: float
    trades: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    trade_intervals: dict[str, Interval]
    totals: Totals
    turnover: float
    """Per month, in multiples of the balance."""
    cost_share: float | None
    market_change: float | None
    exposure: float | None
    windows: int
    windows_won: int
    halts: int
    returns: tuple[float, ...]
    curve: tuple[tuple[int, float], ...]


class Search(Struct, frozen=True, kw_only=True):
    """What training chooses among and by; every trial is `noted`."""

    candidates: Candidates
    objective: str
    noted: Callable[[Trial], None]


class Accounts(Struct, frozen=True, kw_only=True):
    """The three accounts between two windows; None: from the starting balance, at peace."""

    chosen: Standing | None = None
    benched: Standing | None = None
    shipped: Standing | None = None


AT_PEACE: Final = Accounts()


def accounts_after(result: WindowResult) -> Accounts:
    """What the next window begins with."""
    return Accounts(
        chosen=result.chosen.standing,
        benched=result.benched.standing,
        shipped=result.shipped.standing,
    )


def choose(on: Stretch, search: Search) -> tuple[tuple[Tried, ...], dict[str, Any]]:
    """Try every candidate in training; the first are the settings in force. They give way only to
    one that led by more than the luckiest of as many equal ones would.
    """
    tried: list[Tried] = []
    in_force: tuple[float, ...] = ()
    for params in search.candidates:
        trial = attempt(on, params)
        search.noted(trial)
        in_force = in_force or trial.returns
        worth = score(trial.returns, len(trial.nets), search.objective, TRADES_MIN)
        figures = figures_of(trial.returns)
        tried.append(
            Tried(
                params=dict(params),
                score=None if worth <= WORST else worth,
                total=figures.total,
                trades=len(trial.nets),
                sharpe=figures.sharpe,
                lead=lead(trial.returns, in_force),
            )
        )
    luck = expected_best_sharpe(len(tried), 1.0)
    surely = [t for t in tried[1:] if t.score is not None and t.lead is not None and t.lead > luck]
    best = max((tried[0], *surely), key=lambda t: -math.inf if t.score is None else t.score)
    return tuple(tried), best.params


def lead(returns: Sequence[float], others: Sequence[float]) -> float | None:
    """t of the mean difference of two records of the same days, each first divided by its standard
    deviation, so that it is their Sharpe ratios that are compared. None where neither ever moved.
    """
    pairs = zip(_scaled(returns), _scaled(others), strict=True)
    ahead = daily_sharpe([one - other for one, other in pairs])
    return None if ahead is None else ahead * math.sqrt(len(returns))


def _scaled(returns: Sequence[float]) -> Sequence[float]:
    deviation = statistics.stdev(returns) if len(returns) > 1 else 0.0
    return [value / deviation for value in returns] if deviation > NOISE else [0.0] * len(returns)


def walk(task: Task, window: Window, search: Search, accounts: Accounts = AT_PEACE) -> WindowResult:
    """One window: nothing of the test is loaded before the choice is made."""
    training = stretch(task, window.train_start_ns, window.train_end_ns)
    tried, params = choose(training, search)
    del training
    test = stretch(task, window.test_start_ns, window.test_end_ns)
    chosen = attempt(test, params, accounts.chosen)
    search.noted(chosen)
    earned = next(each for each in tried if each.params == params).total > 0
    return WindowResult(
        window=window,
        tried=tried,
        chosen=chosen,
        benched=_again(test, params, accounts.benched, chosen, search.noted)
        if earned
        else idle(chosen, accounts.benched),
        shipped=_again(test, {}, accounts.shipped, chosen, search.noted),
    )


def _again(
    test: Stretch,
    params: dict[str, Any],
    standing: Standing | None,
    known: Trial,
    noted: Callable[[Trial], None],
) -> Trial:
    """The same test with other parameters or another account; what is the same is not repeated."""
    if params == known.params and standing == known.began:
        return known
    trial = attempt(test, params, standing)
    noted(trial)
    return trial


def whole(trials: Iterable[Trial]) -> Whole:
    """The test windows' trials in order as one record."""
    found = list(trials)
    returns = tuple(value for trial in found for value in trial.returns)
    nets = [net for trial in found for net in trial.nets]
    won, lost = sum(n for n in nets if n > 0), -sum(n for n in nets if n < 0)
    figures = figures_of(returns)
    curve = tuple(_chained(found))
    totals = _total(found)
    changes = [trial.market_change for trial in found if trial.market_change is not None]
    exposures = [trial.exposure for trial in found if trial.exposure is not None]
    months = max(figures.days, 1) / (365 / 12)
    return Whole(
        figures=figures,
        intervals=intervals_of(returns),
        drawdown=_deepest(level for _, level in curve),
        trades=len(nets),
        win_rate=sum(n > 0 for n in nets) / len(nets) if nets else None,
        profit_factor=won / lost if lost else None,
        expectancy=sum(nets) / len(nets) if nets else None,
        trade_intervals=trade_intervals(nets),
        totals=totals,
        turnover=sum(float(t.turnover / t.starting) for t in found if t.starting) / months,
        cost_share=float(totals.costs / totals.gross) if totals.gross > ZERO else None,
        market_change=math.prod(1 + change for change in changes) - 1 if changes else None,
        exposure=sum(exposures) / len(exposures) if exposures else None,
        windows=len(found),
        windows_won=sum(math.prod(1 + r for r in trial.returns) > 1 for trial in found),
        halts=sum(bool(trial.halted) for trial in found),
        returns=returns,
        curve=curve,
    )


def idle(trial: Trial, standing: Standing | None) -> Trial:
    """The same days without trading: the account stays as it stands."""
    balance = trial.starting if standing is None else standing.balance
    return Trial(
        params=trial.params,
        start_ns=trial.start_ns,
        end_ns=trial.end_ns,
        first_day=trial.first_day,
        returns=(0.0,) * len(trial.returns),
        nets=(),
        equity=((trial.start_ns, balance), (trial.end_ns, balance)),
        totals=NOTHING,
        turnover=Decimal(0),
        starting=balance,
        drawdown=0.0,
        market_change=trial.market_change,
        exposure=0.0,
        events=0,
        halted="",
        open_trades=0,
        began=standing,
        standing=standing,
    )


def _chained(trials: Sequence[Trial]) -> Iterable[tuple[int, float]]:
    level = 1.0
    for trial in trials:
        points: Sequence[Point] = trial.equity
        start = float(points[0][1]) if points else 1.0
        for time_ns, equity in points:
            yield time_ns, level * float(equity) / start
        if points:
            level *= float(points[-1][1]) / start


def _deepest(levels: Iterable[float]) -> float:
    values = list(levels)
    peaks = accumulate(values, max)
    return max((1 - value / peak for value, peak in zip(values, peaks, strict=True)), default=0.0)


def _total(trials: Sequence[Trial]) -> Totals:
    fields = ("gross", "fees", "funding", "slippage", "ai_cost")
    return Totals(**{name: sum((getattr(t.totals, name) for t in trials), ZERO) for name in fields})
