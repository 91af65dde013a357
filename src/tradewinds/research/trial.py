"""One parameter set over one span of the past, reduced to what choosing and judging need."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, structs

from tradewinds.config import Settings
from tradewinds.ledger.curve import Falls, Point, daily_returns
from tradewinds.ledger.results import Totals, day_of
from tradewinds.market.derive import Deriver
from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar
from tradewinds.model.portfolio import TradingState
from tradewinds.model.timeframes import DAY_NS
from tradewinds.options import BacktestOptions
from tradewinds.parts import params_of, strategies_of, timeframes_of
from tradewinds.research.backtest import BacktestResult, backtest
from tradewinds.research.scores import daily_sharpe
from tradewinds.research.space import with_params
from tradewinds.research.standing import Standing
from tradewinds.research.trials import TrialRow, trial_row
from tradewinds.sources import WARM_UP_BARS, Past, past_of

CURVE_POINTS: Final = 400
WARM_UP_DAYS_MAX: Final = 60
"""So far back a strategy on long bars is warmed up by short ones."""


class Task(Struct, frozen=True, kw_only=True):
    """What is tried: settings, the recorded or synthetic data, and which strategies."""

    settings: Settings
    options: BacktestOptions
    strategies: tuple[str, ...]


class Trial(Struct, frozen=True, kw_only=True):
    """Daily returns are of UTC days, the first one `first_day`. `nets` are of closed trades.

    `equity` is thinned out but keeps every extreme, so that no drawdown is smoothed away. `began`
    and `standing` are the account before and after, where one goes through several trials.
    """

    params: dict[str, Any]
    start_ns: int
    end_ns: int
    first_day: int
    returns: tuple[float, ...]
    nets: tuple[float, ...]
    equity: tuple[Point, ...]
    totals: Totals
    turnover: Decimal
    starting: Decimal
    drawdown: float
    market_change: float | None
    exposure: float | None
    events: int
    halted: str
    open_trades: int
    began: Standing | None = None
    standing: Standing | None = None


class Stretch(Struct, frozen=True, kw_only=True):
    """A span of the past held in memory, so that many parameter sets can be tried on it."""

    task: Task
    past: Past


def stretch(task: Task, start_ns: int, end_ns: int) -> Stretch:
    """Load [start, end) with what came before it, for warming up."""
    options = structs.replace(task.options, start_ns=start_ns, end_ns=end_ns)
    past = past_of(task.settings, options)
    blocks = list(past.blocks)
    warm = _history(task, past, start_ns)
    return Stretch(task=task, past=structs.replace(past, blocks=blocks, history=warm))


def attempt(on: Stretch, params: Mapping[str, Any], standing: Standing | None = None) -> Trial:
    """Trade the stretch with these parameters and close at its end: from the starting balance, or
    with an account as it stands.
    """
    settings = with_params(on.task.settings, params)
    names = on.task.strategies
    result = backtest(settings, on.past, names, closing=True, standing=standing)
    return structs.replace(trial_of(result, params), began=standing)


def trial_of(result: BacktestResult, params: Mapping[str, Any]) -> Trial:
    """What is kept of a backtest."""
    figures = result.performance
    equity = _ending_within(result.equity)
    return Trial(
        params=dict(params),
        start_ns=result.start_ns,
        end_ns=result.end_ns,
        first_day=day_of(result.start_ns),
        returns=tuple(daily_returns(equity)),
        nets=tuple(float(trade.realised) for trade in result.trades),
        equity=thinned(equity, CURVE_POINTS),
        totals=figures.realised,
        turnover=figures.turnover,
        starting=figures.starting_balance or Decimal(0),
        drawdown=figures.drawdown.share if figures.drawdown else 0.0,
        market_change=figures.market_change,
        exposure=figures.exposure_share,
        events=result.events,
        halted=result.state_reason if result.final_state is TradingState.HALTED else "",
        open_trades=result.open_trades,
        standing=result.standing,
    )


def _ending_within(points: Sequence[Point]) -> list[Point]:
    """A last bar that closes at midnight belongs to the day it ends, not to one more day."""
    last_ns = points[-1][0] if points else 0
    if last_ns % DAY_NS:
        return list(points)
    return [(time_ns - (time_ns == last_ns), equity) for time_ns, equity in points]


def row_of(verb: str, task: Task, label: str, trial: Trial) -> TrialRow:
    """For the book of trials."""
    settings = with_params(task.settings, trial.params)
    tried = {name: settings.strategies[name].params for name in task.strategies}
    return trial_row(
        verb,
        tried,
        label,
        (trial.start_ns, trial.end_ns),
        sharpe=daily_sharpe(trial.returns),
        days=len(trial.returns),
    )


def span_of(task: Task) -> tuple[str, int, int]:
    """Label, first and last moment of the data as selected. Reads it once."""
    past = past_of(task.settings, task.options)
    first = last = 0
    for block in filter(None, past.blocks):
        first = first or block[0].received_time_ns
        last = block[-1].received_time_ns
    return past.label, first, last + 1


def past_until(task: Task, end_ns: int | None) -> Past:
    """The data read anew, as if the recording had been made at `end_ns` (None: all of it)."""
    if end_ns is None:
        return past_of(task.settings, task.options)
    if task.options.path is None:
        past = past_of(task.settings, task.options)
        return structs.replace(past, blocks=_known_by(past.blocks, end_ns))
    past = past_of(task.settings, structs.replace(task.options, end_ns=end_ns))
    return structs.replace(past, blocks=_known_by(past.blocks, end_ns))


def _known_by(
    blocks: Iterable[Sequence[MarketEvent]], end_ns: int
) -> Iterable[Sequence[MarketEvent]]:
    for block in blocks:
        known = [event for event in block if event.received_time_ns <= end_ns]
        yield known
        if len(known) < len(block):
            return


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most `most` points: of each stretch its first, lowest, highest; the last; and the corners
    of the deepest fall, which may lie between a stretch's lowest and highest."""
    if len(points) <= most:
        return tuple(points)
    falls = Falls()
    for point in points:
        falls.add(point)
    corners = falls.corners()
    size = -(-len(points) * 3 // (most - 9))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        chosen = {part[0], min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        chosen |= corners.intersection(part)
        kept.extend(sorted(chosen))
    return (*kept, points[-1]) if kept[-1] != points[-1] else tuple(kept)


def _history(task: Task, past: Past, start_ns: int) -> dict[InstrumentId, tuple[Bar, ...]]:
    """Bars that closed before the start, those included which strategies want longer."""
    params = params_of(task.settings, past.default_params)
    wanted = timeframes_of(strategies_of(params, past.instruments, task.strategies))
    if past.synthetic or not wanted:
        return {id_: tuple(bars) for id_, bars in past.history.items()}
    longest_ns = min(max(wanted) * WARM_UP_BARS, WARM_UP_DAYS_MAX * DAY_NS)
    first_ns = (start_ns - longest_ns) // DAY_NS * DAY_NS
    options = structs.replace(task.options, start_ns=first_ns, end_ns=start_ns)
    return _with_longer_bars(_blocks_before(task, options), wanted, start_ns)


def _blocks_before(task: Task, options: BacktestOptions) -> Iterable[Sequence[MarketEvent]]:
    try:
        yield from past_of(task.settings, options).blocks
    except DataError:
        # The data begins here: there is no history, which is no error.
        return


def _with_longer_bars(
    blocks: Iterable[Sequence[MarketEvent]], wanted: set[int], start_ns: int
) -> dict[InstrumentId, tuple[Bar, ...]]:
    deriver = Deriver(wanted)
    found: dict[InstrumentId, dict[int, list[Bar]]] = {}
    for block in blocks:
        for event in block:
            if isinstance(event, Bar):
                for bar in (event, *deriver.add(event)):
                    if bar.venue_time_ns <= start_ns:
                        sizes = found.setdefault(bar.instrument_id, {})
                        sizes.setdefault(bar.timeframe_ns, []).append(bar)
    return {
        id_: tuple(
            sorted(
                (bar for bars in sizes.values() for bar in bars[-WARM_UP_BARS:]),
                key=lambda bar: (bar.venue_time_ns, bar.timeframe_ns),
            )
        )
        for id_, sizes in found.items()
    }
