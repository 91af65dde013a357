"""What `backtest` answers, and how its run is told."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tradewinds.cli.words import NOT_KNOWN, moment
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.portfolio import TradingState

if TYPE_CHECKING:
    from tradewinds.cli.report_sheet import Sheet
    from tradewinds.research.conditions import Conditions
    from tradewinds.research.regimes import RegimeRow


class BacktestAnswer(Struct, frozen=True, kw_only=True):
    """`equity` is (time ns, account currency); `refusals` counts our own noes by check.

    `strategies` names each with the parameters it had; `conditions` says what was assumed and how
    often these strategies have been tried on these data.
    """

    start_ns: int
    end_ns: int
    events: int
    wall_s: float
    strategies: dict[str, dict[str, Any]]
    sheet: "Sheet"
    conditions: "Conditions"
    regimes: "tuple[RegimeRow, ...]"
    equity: tuple[tuple[int, Decimal], ...]
    refusals: dict[str, int]
    anomalies: int
    final_state: TradingState
    state_reason: str
    open_trades: int


def run_rows(answer: BacktestAnswer) -> list[tuple[str, str]]:
    """Span, end, refusals, speed."""
    reason = f": {answer.state_reason}" if answer.state_reason else ""
    return [
        ("Span", f"{moment(answer.start_ns)} to {moment(answer.end_ns)}"),
        ("Strategies", ", ".join(answer.strategies) or NOT_KNOWN),
        ("At the end", f"{answer.final_state.value}{reason}; {answer.open_trades} trades open"),
        ("Delisted while held", str(delisted(answer))),
        ("Refused", refused(answer.refusals)),
        ("Bad inputs dropped", str(answer.anomalies)),
        ("Speed", f"{answer.events:,} events in {answer.wall_s:.1f} s ({rate(answer)})"),
    ]


def delisted(answer: BacktestAnswer) -> int:
    """Trades that were given away below the last price because their market had ended."""
    reason = InstrumentStatus.DELISTED.value
    return sum(trade.exit_reason == reason for trade in answer.sheet.trades)


def refused(counts: dict[str, int]) -> str:
    """Our own noes, most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{check} {count:,}" for check, count in ordered) or "nothing"


def rate(answer: BacktestAnswer) -> str:
    """Events a second."""
    return f"{answer.events / answer.wall_s:,.0f}/s" if answer.wall_s > 0 else NOT_KNOWN
