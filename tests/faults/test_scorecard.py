"""Every row of the scorecard is a test, and the table that says so is true."""

from pathlib import Path

import pytest

from tests.faults.scorecard import ROWS, TABLE, Module, collected, rows_of, table


def test_every_row_has_a_test() -> None:
    covered = {row for test in collected() for row in test.rows}
    assert not ROWS.keys() - covered, "rows without a test"


def test_no_test_claims_a_row_that_is_not_on_the_card() -> None:
    strange = {t.name for t in collected() if set(t.rows) - ROWS.keys()}
    assert not strange


def test_the_table_says_what_the_tests_say() -> None:
    written = TABLE.read_text("utf-8") if TABLE.exists() else ""
    assert written == table(collected()), "run `python -m tests.faults.scorecard`"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_b1_b2_an_entry", ("B1", "B2")),
        ("test_B7_a_clock", ("B7",)),
        ("test_a_thousand", ()),
        ("test_c10_funding", ("C10",)),
        ("test_nothing", ()),
    ],
)
def test_a_name_says_which_rows_it_is_about(name: str, rows: tuple[str, ...]) -> None:
    assert rows_of(name) == rows


def test_places_are_read_off_what_a_test_reaches(tmp_path: Path) -> None:
    here = Path(__file__).parent / "test_A_on_live_venues.py"
    both = next(t for t in Module(here).tests() if t.name.startswith("test_a9_new"))
    assert both.places == ("Binance USD-M", "Binance spot")
    bad_input = Module(Path(__file__).parent / "test_bad_input.py")
    assert {place for test in bad_input.tests() for place in test.places} == {"paper"}
