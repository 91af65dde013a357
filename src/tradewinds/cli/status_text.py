"""A snapshot as text."""

from decimal import Decimal

from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import duration, moment, money, percent, plain, signed
from tradewinds.model.portfolio import TradingState
from tradewinds.model.snapshot import PositionRow, Snapshot

STATE_STYLES = (
    (TradingState.ACTIVE, "green"),
    (TradingState.REDUCING, "yellow"),
    (TradingState.HALTED, "red"),
)
MODE_NOTES = (
    ("live", " REAL MONEY: orders go to the venue ", "loud"),
    ("practice", "PRACTICE: orders go to a practice venue on this machine.", "bold"),
    ("testnet", "TESTNET: orders go to the venue's testnet; nothing there is money.", "bold"),
    ("demo", "DEMO: orders go to the venue's demo trading; nothing there is money.", "bold"),
)
SYNTHETIC_NOTE = " SYNTHETIC MARKET: made-up prices, no result here means anything "


def show_snapshot(screen: Screen, snapshot: Snapshot, price_age_ms: float | None) -> None:
    """State, money, speed, positions, strategies."""
    for mode, note, how in MODE_NOTES:
        if snapshot.mode == mode:
            screen.line(note, how)
    if snapshot.synthetic:
        screen.line(SYNTHETIC_NOTE, "loud")
    style = next(style for state, style in STATE_STYLES if state is snapshot.trading_state)
    state = screen.styled(snapshot.trading_state.value.upper(), style)
    reason = f": {snapshot.state_reason}" if snapshot.state_reason else ""
    screen.line(f"{state}{reason}")
    screen.pairs(money_lines(snapshot))
    screen.pairs(engine_lines(snapshot, price_age_ms))
    screen.table(positions_table(snapshot))
    screen.table(strategies_table(snapshot))


def money_lines(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Equity, the day, risk."""
    limit = snapshot.limits.loss_per_day_max
    total = snapshot.equity - snapshot.starting_equity
    return [
        ("mode      ", f"{snapshot.mode}, {snapshot.feed_label}{progress(snapshot)}"),
        (
            "equity    ",
            f"{money(snapshot.equity)} {snapshot.currency}"
            f" ({signed(total)} since the start, {money(snapshot.cash)} in cash)",
        ),
        (
            "today     ",
            f"{signed(snapshot.day_pnl)}, of the {money(limit)} loss limit"
            f" {money(snapshot.day_loss_used)} used ({share(snapshot.day_loss_used, limit)})",
        ),
        (
            "open risk ",
            f"{money(snapshot.open_risk)} in {len(snapshot.positions)} positions,"
            f" {snapshot.working_orders} orders working",
        ),
        (
            "drawdown  ",
            f"{percent(snapshot.drawdown)}"
            f" (reduces at {percent(snapshot.limits.drawdown_reduce)},"
            f" halts at {percent(snapshot.limits.drawdown_halt)})",
        ),
    ]


def engine_lines(snapshot: Snapshot, price_age_ms: float | None) -> list[tuple[str, str]]:
    """Speed, freshness, who it is."""
    age = "no price yet" if price_age_ms is None else f"newest price {duration(price_age_ms * 1e6)}"
    return [
        (
            "engine    ",
            f"{snapshot.events_per_second:,.0f} events/s, {snapshot.events_total:,} in all,"
            f" decision p99 {snapshot.decision_p99_us:,.0f} us",
        ),
        ("data      ", f"{age} old, {snapshot.anomalies} bad inputs dropped"),
        (
            "run       ",
            f"{snapshot.run_id}, process {snapshot.engine_pid},"
            f" market time {moment(snapshot.time_ns)}",
        ),
    ]


def progress(snapshot: Snapshot) -> str:
    """How far a replay is."""
    if snapshot.finished:
        return ", finished"
    return "" if snapshot.progress is None else f", {snapshot.progress * 100:.0f} % through"


def share(part: Decimal, whole: Decimal) -> str:
    """Percent of the limit, whole numbers."""
    return percent(float(part / whole), 0) if whole else "-"


def positions_table(snapshot: Snapshot) -> Table:
    """Open round trips."""
    return Table(
        title="Positions",
        columns=("instrument", "side", "quantity", "entry", "last", "stop", "P&L", "risk"),
        rows=tuple(position_cells(row) for row in snapshot.positions),
        right=frozenset({"quantity", "entry", "last", "stop", "P&L", "risk"}),
    )


def position_cells(row: PositionRow) -> tuple[str, ...]:
    """One open round trip."""
    return (
        row.instrument_id,
        row.side.value,
        plain(row.quantity),
        plain(row.entry_price),
        plain(row.last_price),
        plain(row.stop_price),
        signed(row.unrealised),
        money(row.worst_loss),
    )


def strategies_table(snapshot: Snapshot) -> Table:
    """Each strategy's day and total."""
    return Table(
        title="Strategies",
        columns=("strategy", "on", "weight", "open", "today", "total", "signals", "refused"),
        rows=tuple(
            (
                row.strategy_id,
                "yes" if row.enabled else "no",
                f"{row.weight:.2f}",
                str(row.open_trades),
                signed(row.net_today),
                signed(row.net_total),
                str(row.signals),
                str(row.refusals),
            )
            for row in snapshot.strategies
        ),
        right=frozenset({"weight", "open", "today", "total", "signals", "refused"}),
    )
