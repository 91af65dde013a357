"""Performance as rows of name and text, for tables in a terminal or on a page."""

from decimal import Decimal

from tradewinds.ledger.performance import Performance
from tradewinds.ledger.round_trips import TradeFigures
from tradewinds.model.decimals import round_to_places
from tradewinds.model.ids import Asset

Row = tuple[str, str]

ABSENT = "-"
NS_PER_SECOND = 1_000_000_000


def to_rows(performance: Performance, currency: Asset) -> tuple[Row, ...]:
    """Every figure in a fixed order; `-` where a figure is undefined."""
    return (
        *_balance_rows(performance, currency),
        *_risk_rows(performance, currency),
        *_trade_rows(performance.trades, currency),
        *_side_rows(performance, currency),
        *_day_rows(performance, currency),
        *_cost_rows(performance, currency),
    )


def monthly_rows(performance: Performance) -> tuple[Row, ...]:
    """`2026-01` and the month's return."""
    months = performance.returns.monthly
    return tuple((f"{month.year}-{month.month:02}", percent(month.value)) for month in months)


def money(value: Decimal | float | None, currency: Asset) -> str:
    """Two places and the currency, with thousands apart."""
    if value is None:
        return ABSENT
    rounded = round_to_places(value, 2) if isinstance(value, Decimal) else value
    return f"{rounded:,.2f} {currency}"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with two places."""
    return ABSENT if fraction is None else f"{fraction * 100:.2f} %"


def number(value: float | None) -> str:
    """A ratio with two places."""
    return ABSENT if value is None else f"{value:.2f}"


def duration(span_ns: int | None) -> str:
    """Days, hours, minutes and seconds, as `2d 03:04:05`."""
    if span_ns is None:
        return ABSENT
    minutes, seconds = divmod(span_ns // NS_PER_SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{days}d {clock}" if days else clock


def _balance_rows(result: Performance, currency: Asset) -> tuple[Row, ...]:
    return (
        ("Starting balance", money(result.starting_balance, currency)),
        ("Final balance", money(result.final_balance, currency)),
        ("Absolute profit", money(result.absolute_profit, currency)),
        ("Total profit %", percent(result.returns.total)),
        ("CAGR %", percent(result.returns.cagr)),
        ("Market change (buy and hold)", percent(result.market_change)),
        ("Better than the market by", percent(result.excess)),
    )


def _risk_rows(result: Performance, currency: Asset) -> tuple[Row, ...]:
    figures, fall = result.returns, result.drawdown
    return (
        ("Volatility (annual)", percent(figures.volatility)),
        ("Sharpe", number(figures.sharpe)),
        ("Sortino", number(figures.sortino)),
        ("Calmar", number(figures.calmar)),
        ("Omega", number(figures.omega)),
        ("Max % of account underwater", percent(fall.share if fall else None)),
        ("Absolute drawdown", money(fall.amount if fall else None, currency)),
        ("Drawdown duration", duration(fall.duration_ns if fall else None)),
        ("Max underwater period", duration(fall.underwater_ns if fall else None)),
    )


def _trade_rows(figures: TradeFigures, currency: Asset) -> tuple[Row, ...]:
    return (
        ("Trades", str(figures.trades)),
        ("Win rate", percent(figures.win_rate)),
        ("Wins / draws / losses", f"{figures.wins} / {figures.draws} / {figures.losses}"),
        ("Profit factor", number(figures.profit_factor)),
        ("Expectancy", money(figures.expectancy, currency)),
        ("Expectancy ratio", number(figures.expectancy_ratio)),
        ("SQN", number(figures.sqn)),
        ("Average win", money(figures.average_win, currency)),
        ("Average loss", money(figures.average_loss, currency)),
        ("Best trade", money(figures.best, currency)),
        ("Worst trade", money(figures.worst, currency)),
        ("Max consecutive wins / losses", f"{figures.wins_in_a_row} / {figures.losses_in_a_row}"),
        ("Avg holding time", duration(figures.holding_ns)),
    )


def _side_rows(result: Performance, currency: Asset) -> tuple[Row, ...]:
    longs, shorts = result.longs, result.shorts
    return (
        ("Longs | shorts", f"{longs.trades} | {shorts.trades}"),
        ("Win rate long | short", f"{percent(longs.win_rate)} | {percent(shorts.win_rate)}"),
        ("Net long | short", f"{money(longs.net, currency)} | {money(shorts.net, currency)}"),
    )


def _day_rows(result: Performance, currency: Asset) -> tuple[Row, ...]:
    days = result.days
    return (
        ("Days win / draw / lose", f"{days.wins} / {days.draws} / {days.losses}"),
        ("Best day", money(days.best, currency)),
        ("Worst day", money(days.worst, currency)),
    )


def _cost_rows(result: Performance, currency: Asset) -> tuple[Row, ...]:
    realised = result.realised
    return (
        ("Gross result", money(realised.gross, currency)),
        ("Total paid fees", money(realised.fees, currency)),
        ("Slippage", money(realised.slippage, currency)),
        ("Funding", money(realised.funding, currency)),
        ("AI cost", money(realised.ai_cost, currency)),
        ("Net result", money(realised.net, currency)),
        ("Costs as share of gross", percent(result.cost_share)),
        ("Turnover", money(result.turnover, currency)),
        ("Turnover / starting balance", number(result.turnover_ratio)),
        ("Time in the market", percent(result.exposure_share)),
    )
