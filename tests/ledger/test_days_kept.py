"""A report may keep every day; a checkpoint folds the old ones."""

from decimal import Decimal

from tradewinds.ledger.ledger import Ledger
from tradewinds.ledger.results import FOLDED_DAY, NS_PER_DAY
from tradewinds.model.ids import Asset

FIRST = 20_000


def of_500_days(kept: int | None) -> list[int]:
    ledger = Ledger(Asset("USDT"))
    ledger.open({Asset("USDT"): Decimal(1_000)}, {}, FIRST * NS_PER_DAY)
    if kept is not None:
        ledger.keep_days(kept)
    for day in range(500):
        ledger.book_ai_cost(str(day), Decimal(1), (FIRST + day) * NS_PER_DAY)
    return [row.day for row in ledger.state().days]


def test_as_many_days_as_are_asked_for() -> None:
    every = list(range(FIRST, FIRST + 500))
    assert of_500_days(600) == every
    assert of_500_days(99) == [FOLDED_DAY, *every[-100:]]
    assert of_500_days(None) == [FOLDED_DAY, *every[-401:]]
