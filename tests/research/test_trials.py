"""Every evaluation is counted, a repeated one once more but not as another."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tradewinds.model.errors import DataError
from tradewinds.research.trials import TrialBook, trial_row


def note(book: TrialBook, stop: float, sharpe: float | None, **where: str) -> None:
    data = where.get("data", "hours")
    given = {where.get("name", "momentum"): {"stop_atr": stop}}
    book.note([trial_row("backtest", given, data, (0, 10), sharpe=sharpe, days=10)])


def test_distinct_ones_and_repetitions_are_told_apart(tmp_path: Path) -> None:
    book = TrialBook(tmp_path)
    for stop, sharpe in ((1.0, 0.1), (2.0, None), (1.0, 0.1), (3.0, -0.2)):
        note(book, stop, sharpe)
    count = book.count(("momentum",), "hours")
    assert (count.evaluations, count.distinct) == (4, 3)
    assert sorted(count.sharpes) == [-0.2, 0.1]


def test_other_data_and_other_strategies_are_other_counts(tmp_path: Path) -> None:
    book = TrialBook(tmp_path)
    note(book, 1.0, 0.1)
    note(book, 1.0, 0.1, data="days")
    note(book, 1.0, 0.1, name="scalping")
    assert book.count(("momentum",), "hours").evaluations == 1
    assert book.count(("momentum",), "minutes").evaluations == 0


def test_many_may_write_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: note(TrialBook(tmp_path), float(n % 50), 0.1), range(400)))
    count = TrialBook(tmp_path).count(("momentum",), "hours")
    assert (count.evaluations, count.distinct) == (400, 50)


def test_a_damaged_book_is_not_a_smaller_one(tmp_path: Path) -> None:
    book = TrialBook(tmp_path)
    note(book, 1.0, 0.1)
    with book.path.open("ab") as file:
        file.write(b'{"verb": "back\n')
    with pytest.raises(DataError, match="damaged"):
        book.count(("momentum",), "hours")
