"""What closed round trips say: how often they won, how much, how long they were held."""

import math
import statistics
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from tradewinds.ledger.curve import ratio
from tradewinds.model.decimals import ZERO
from tradewinds.model.portfolio import Trade, TradePhase


class TradeFigures(Struct, frozen=True, kw_only=True):
    """Of closed trades by `Trade.realised`, which is net of every cost, in account currency.

    win_rate          wins / trades; a trade of exactly zero is a draw
    profit_factor     sum of wins / sum of losses
    expectancy        mean net result of a trade
    expectancy_ratio  (1 + average win / average loss) x win_rate - 1, as in freqtrade
    sqn               sqrt(trades) x mean / std(ddof=1), the system quality number
    Counts are 0 and everything else None where there is nothing to tell from.
    """

    trades: int
    wins: int
    draws: int
    losses: int
    net: Decimal
    fees: Decimal
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    expectancy_ratio: float | None
    sqn: float | None
    average_win: float | None
    average_loss: float | None
    best: Decimal | None
    worst: Decimal | None
    wins_in_a_row: int
    losses_in_a_row: int
    holding_ns: int | None


def closed(trades: Iterable[Trade]) -> list[Trade]:
    """Those that are over, in the order in which they ended."""
    over = (trade for trade in trades if trade.phase is TradePhase.CLOSED)
    return sorted(over, key=lambda trade: trade.closed_time_ns)


def trade_figures(trades: Sequence[Trade]) -> TradeFigures:
    """Figures of closed trades, given in the order in which they ended."""
    nets = [trade.realised for trade in trades]
    wins = [net for net in nets if net > ZERO]
    losses = [-net for net in nets if net < ZERO]
    win_rate = len(wins) / len(nets) if nets else None
    payoff = ratio(_mean(wins) or 0.0, _mean(losses))
    return TradeFigures(
        trades=len(nets),
        wins=len(wins),
        draws=len(nets) - len(wins) - len(losses),
        losses=len(losses),
        net=sum(nets, ZERO),
        fees=sum((trade.fees for trade in trades), ZERO),
        win_rate=win_rate,
        profit_factor=ratio(float(sum(wins, ZERO)), float(sum(losses, ZERO))),
        expectancy=_mean(nets),
        expectancy_ratio=(
            None if payoff is None or win_rate is None else (1 + payoff) * win_rate - 1
        ),
        sqn=_sqn(nets),
        average_win=_mean(wins),
        average_loss=_mean(losses),
        best=max(nets, default=None),
        worst=min(nets, default=None),
        wins_in_a_row=_longest_run(net > ZERO for net in nets),
        losses_in_a_row=_longest_run(net < ZERO for net in nets),
        holding_ns=_holding_ns(trades),
    )


def exposed_ns(trades: Iterable[Trade], start_ns: int, end_ns: int) -> int:
    """Time within [start, end] in which at least one trade was open; open ones last to the end."""
    total, covered_ns = 0, start_ns
    for trade in sorted(trades, key=lambda trade: trade.opened_time_ns):
        until = trade.closed_time_ns if trade.phase is TradePhase.CLOSED else end_ns
        since = max(trade.opened_time_ns, covered_ns)
        until = min(until, end_ns)
        if until > since:
            total += until - since
            covered_ns = until
    return total


def _mean(values: Sequence[Decimal]) -> float | None:
    return float(sum(values, ZERO) / len(values)) if values else None


def _sqn(nets: Sequence[Decimal]) -> float | None:
    if len(nets) < 2:
        return None
    quality = ratio(_mean(nets), float(statistics.stdev(nets)))
    return None if quality is None else quality * math.sqrt(len(nets))


def _longest_run(hits: Iterable[bool]) -> int:
    longest = current = 0
    for hit in hits:
        current = current + 1 if hit else 0
        longest = max(longest, current)
    return longest


def _holding_ns(trades: Sequence[Trade]) -> int | None:
    held = [trade.closed_time_ns - trade.opened_time_ns for trade in trades]
    return sum(held) // len(held) if held else None
