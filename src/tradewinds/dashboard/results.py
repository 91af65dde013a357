"""Sums of the past for the analytics page: by day, by strategy, by instrument."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from tradewinds.dashboard import formats
from tradewinds.dashboard.views import Column, Row, instrument, plain, result
from tradewinds.model.decimals import ZERO
from tradewinds.model.ledger import DayResult

Key = TypeVar("Key", bound=int | str)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SUM_COLUMNS = (
    Column("Gross", "num"),
    Column("Fees", "num", "mid"),
    Column("Slippage", "num", "mid"),
    Column("Funding", "num", "wide"),
    Column("AI", "num", "wide"),
    Column("Net", "num"),
)
BY_STRATEGY_COLUMNS = (Column("Strategy"), *SUM_COLUMNS)
BY_INSTRUMENT_COLUMNS = (Column("Instrument"), *SUM_COLUMNS)


class Sums(Struct, frozen=True, kw_only=True):
    """Account currency; costs positive when paid."""

    gross: Decimal = ZERO
    fees: Decimal = ZERO
    slippage: Decimal = ZERO
    funding: Decimal = ZERO
    ai_cost: Decimal = ZERO
    net: Decimal = ZERO

    def plus(self, day: DayResult) -> "Sums":
        """With one more line."""
        return Sums(
            gross=self.gross + day.gross,
            fees=self.fees + day.fees,
            slippage=self.slippage + day.slippage,
            funding=self.funding + day.funding,
            ai_cost=self.ai_cost + day.ai_cost,
            net=self.net + day.net,
        )


def net_by_day(days: Sequence[DayResult]) -> list[tuple[str, float]]:
    """(date, net), oldest first. Days folded together under a negative number are left out."""
    sums = _grouped((day for day in days if day.day >= 0), lambda day: day.day)
    return [(_date(number), float(sums[number].net)) for number in sorted(sums)]


def by_strategy(days: Iterable[DayResult]) -> list[Row]:
    """Best net first."""
    sums = _grouped(days, lambda day: day.strategy_id)
    return [_row(key, plain(key, "strong"), sums[key]) for key in _best_first(sums)]


def by_instrument(days: Iterable[DayResult]) -> list[Row]:
    """Best net first."""
    sums = _grouped(days, lambda day: day.instrument_id)
    return [
        _row(key, instrument(key) if key else plain("account", "dim"), sums[key])
        for key in _best_first(sums)
    ]


def _grouped(days: Iterable[DayResult], key: Callable[[DayResult], Key]) -> dict[Key, Sums]:
    groups: dict[Key, Sums] = {}
    for day in days:
        groups[key(day)] = groups.get(key(day), Sums()).plus(day)
    return groups


def _best_first(sums: dict[Key, Sums]) -> list[Key]:
    return sorted(sums, key=lambda key: sums[key].net, reverse=True)


def _row(key: str, name: tuple[str, str, str], sums: Sums) -> Row:
    return Row(
        key,
        (
            name,
            plain(formats.signed(sums.gross)),
            plain(formats.signed(-sums.fees)),
            plain(formats.signed(-sums.slippage)),
            plain(formats.signed(-sums.funding)),
            plain(formats.signed(-sums.ai_cost)),
            result(sums.net),
        ),
    )


def _date(number: int) -> str:
    return (EPOCH + timedelta(days=number)).strftime("%Y-%m-%d")
