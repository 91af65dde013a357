"""What was realised, by UTC day, strategy and instrument."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.ledger import Account, DayResult, Transaction

NS_PER_DAY = 86_400_000_000_000
DAYS_KEPT = 400
CASH, INVENTORY, REALISED = Account.CASH, Account.INVENTORY, Account.REALISED
FEES, SLIPPAGE = Account.FEES, Account.SLIPPAGE
FUNDING, AI_COST = Account.FUNDING, Account.AI_COST
FOLDED_DAY = -1
"""Stands for every day older than DAYS_KEPT days before the newest."""

Pair = tuple[StrategyId, InstrumentId]


class Totals(Struct, frozen=True, kw_only=True):
    """Realised result in account currency; each cost positive when paid.

    Gross is measured between decision prices: what was lost between decision and fill is slippage.
    """

    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    slippage: Decimal = ZERO
    ai_cost: Decimal = ZERO

    @property
    def costs(self) -> Decimal:
        """Everything paid on the way."""
        return self.fees + self.funding + self.slippage + self.ai_cost

    @property
    def net(self) -> Decimal:
        """What is left after every cost."""
        return self.gross - self.costs


NOTHING = Totals()


def add(one: Totals, other: Totals | DayResult) -> Totals:
    """The sum, cost by cost."""
    return Totals(
        gross=one.gross + other.gross,
        fees=one.fees + other.fees,
        funding=one.funding + other.funding,
        slippage=one.slippage + other.slippage,
        ai_cost=one.ai_cost + other.ai_cost,
    )


def totals_of(transaction: Transaction) -> Totals:
    """What one transaction realised and cost."""
    realised = fees = funding = slippage = ai_cost = ZERO
    for posting in transaction.postings:
        account = posting.account
        if account is CASH or account is INVENTORY:
            continue
        if account is FEES:
            fees += posting.value
        elif account is SLIPPAGE:
            slippage += posting.value
        elif account is REALISED:
            realised += posting.value
        elif account is FUNDING:
            funding += posting.value
        elif account is AI_COST:
            ai_cost += posting.value
    return Totals(gross=-realised, fees=fees, funding=funding, slippage=slippage, ai_cost=ai_cost)


def day_of(time_ns: int) -> int:
    """Days since the epoch, UTC."""
    return time_ns // NS_PER_DAY


class Results:
    """Totals that answer at once for a day and for all time; days older than `days_kept` fold into
    one."""

    __slots__ = ("_all", "_by_day", "_days", "_nets", "_pairs", "days_kept")

    def __init__(self) -> None:
        self.days_kept = DAYS_KEPT
        self._days: dict[int, dict[Pair, Totals]] = {}
        self._by_day: dict[int, Totals] = {}
        self._nets: dict[int, Decimal] = {}
        self._pairs: dict[Pair, Totals] = {}
        self._all = NOTHING

    def book(self, transaction: Transaction, pair: Pair) -> None:
        """Take in what a transaction realised for a strategy in an instrument."""
        totals = totals_of(transaction)
        if totals != NOTHING:
            self._add(day_of(transaction.time_ns), pair, totals)

    def take(self, days: Iterable[DayResult]) -> None:
        """Take up what an earlier run realised."""
        for result in days:
            pair = (result.strategy_id, result.instrument_id)
            self._add(result.day, pair, add(NOTHING, result))

    def total(
        self, day: int | None, strategy_id: StrategyId | None, instrument_id: InstrumentId | None
    ) -> Totals:
        """Totals of what matches; None matches everything. At once for a whole day."""
        if strategy_id is None and instrument_id is None:
            return self._all if day is None else self._by_day.get(day, NOTHING)
        pairs = self._pairs if day is None else self._days.get(day, {})
        result = NOTHING
        for (strategy, instrument), totals in pairs.items():
            if strategy_id in (None, strategy) and instrument_id in (None, instrument):
                result = add(result, totals)
        return result

    def net_of_day(self, day: int) -> Decimal:
        """Net realised of a day over everything, at once."""
        return self._nets.get(day, ZERO)

    def days(self) -> tuple[DayResult, ...]:
        """One row per day, strategy and instrument, oldest first; FOLDED_DAY before all."""
        return tuple(
            _row(day, pair, totals)
            for day in sorted(self._days)
            for pair, totals in self._days[day].items()
        )

    def _add(self, day: int, pair: Pair, totals: Totals) -> None:
        if day not in self._days:
            self._days[day] = {}
            self._fold(max(self._days) - self.days_kept)
        self._put(day, pair, totals)
        self._pairs[pair] = add(self._pairs.get(pair, NOTHING), totals)
        self._all = add(self._all, totals)

    def _put(self, day: int, pair: Pair, totals: Totals) -> None:
        results = self._days.setdefault(day, {})
        results[pair] = add(results.get(pair, NOTHING), totals)
        whole = add(self._by_day.get(day, NOTHING), totals)
        self._by_day[day] = whole
        self._nets[day] = whole.net

    def _fold(self, before: int) -> None:
        for day in [day for day in self._days if FOLDED_DAY < day < before]:
            del self._by_day[day], self._nets[day]
            for pair, totals in self._days.pop(day).items():
                self._put(FOLDED_DAY, pair, totals)


def _row(day: int, pair: Pair, totals: Totals) -> DayResult:
    strategy_id, instrument_id = pair
    return DayResult(
        day=day,
        strategy_id=strategy_id,
        instrument_id=instrument_id,
        gross=totals.gross,
        fees=totals.fees,
        funding=totals.funding,
        slippage=totals.slippage,
        ai_cost=totals.ai_cost,
    )
