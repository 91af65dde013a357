"""The page of results: made by one command, gone on with after an interruption, losers included."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.research.made import task_on
from tradewinds.model.errors import DataError
from tradewinds.research import results
from tradewinds.research.results import Cell, Tier, data_sets, plan_for, read_cell, run_cell
from tradewinds.research.results_page import results_page
from tradewinds.research.trials import TrialBook

Write = Callable[..., Path]
REAL_PRINT = results.program_print
DAY_NS = 86_400_000_000_000


@pytest.fixture(autouse=True)
def same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may be editing it while the tests run."""
    monkeypatch.setattr(results, "program_print", lambda _: b"program")


@pytest.fixture
def cell(write_bars: Write, plant: Callable[..., None], tmp_path: Path) -> Cell:
    plant(wavy="tests.research.planted:Wavy")
    path = write_bars(24 * 18)
    return Cell(
        tier=Tier(name="wavy", strategies=("wavy",)),
        path=path,
        settings=task_on(path, {"wavy": {}}).settings,
        candidates=1,
        home=tmp_path / "home",
        until_s=time.monotonic() + 1_000,
    )


def kept(cell: Cell) -> Path:
    return cell.home / "research" / "results" / "wavy.bars.parquet.jsonl"


def test_a_cell_is_finished_once(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    run_cell(cell)
    found = read_cell(cell)
    assert found is not None
    assert found.finished
    assert len(found.results) == found.heading.windows >= 3
    written = kept(cell).read_bytes()
    tried = TrialBook(cell.home).count(("wavy",), found.heading.data).evaluations
    assert tried >= found.heading.windows * 3
    monkeypatch.setattr(results, "walk", lambda *_: pytest.fail("made again"))
    run_cell(cell)
    assert kept(cell).read_bytes() == written


def test_after_an_interruption_it_goes_on_and_comes_out_the_same(cell: Cell) -> None:
    run_cell(cell)
    whole = kept(cell).read_bytes()
    lines = whole.splitlines(keepends=True)
    kept(cell).write_bytes(b"".join(lines[:3]))
    run_cell(cell)
    assert kept(cell).read_bytes() == whole


def test_a_line_cut_in_two_is_not_believed(cell: Cell) -> None:
    run_cell(cell)
    whole = kept(cell).read_bytes()
    kept(cell).write_bytes(whole[:-40])
    assert read_cell(cell) is None
    run_cell(cell)
    assert kept(cell).read_bytes() == whole


def test_other_settings_begin_anew(cell: Cell) -> None:
    run_cell(cell)
    before = read_cell(cell)
    sim = cell.settings.sim.model_copy(update={"slippage_bps": 10.0})
    dearer = Cell(**{name: getattr(cell, name) for name in cell.__struct_fields__}
                  | {"settings": cell.settings.model_copy(update={"sim": sim})})  # fmt: skip
    run_cell(dearer)
    after = read_cell(dearer)
    assert before is not None
    assert after is not None
    assert before.heading.fingerprint != after.heading.fingerprint
    assert before.results != after.results


def test_another_program_begins_anew(tmp_path: Path) -> None:
    package = tmp_path / "package"
    for inside in ("sim/bars.py", "cli/run.py"):
        (package / inside).parent.mkdir(parents=True)
        (package / inside).write_text("a = 1")
    before = REAL_PRINT(package)
    (package / "cli/run.py").write_text("a = 2")
    assert REAL_PRINT(package) == before
    (package / "sim/bars.py").write_text("a = 2")
    assert REAL_PRINT(package) != before


def test_when_the_time_is_up_it_stops_and_the_page_says_so(cell: Cell) -> None:
    moments = iter([0.0, 0.0, 0.0, 0.0, 1e12])
    late = Cell(**{name: getattr(cell, name) for name in cell.__struct_fields__} | {"until_s": 1.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: next(moments, 1e12))
        run_cell(late)
    found = read_cell(cell)
    assert found is not None
    assert not found.finished
    page = results_page([found], ["as set"])
    assert "**Unfinished: 0 of 1 are done;**" in page
    assert f"{len(found.results)} of {found.heading.windows} windows" in page


def test_the_page_shows_losers_as_plainly_as_winners(cell: Cell) -> None:
    run_cell(cell)
    found = read_cell(cell)
    assert found is not None
    page = results_page([found], ["as set"])
    losing = min((r.chosen.returns for r in found.results), key=sum)
    assert sum(losing) < 0
    total = 1.0
    for value in losing:
        total *= 1 + value
    assert f"{(total - 1) * 100:.2f} %" in page
    assert "**missed**" in page
    assert f"`trading-cli results FOLDER --candidates {cell.candidates}`" in page
    for words in ("Monthly return (20 to 50 %)", "under 5 %", "benched", "as set", "Losing"):
        assert words in page
    for line in page.splitlines():
        if line.startswith("| --- "):
            columns = line.count("|")
        elif line.startswith("| ") and "---" in page:
            assert line.count("|") > 2
    assert columns > 2


def test_a_pair_that_was_not_begun_is_missing_and_one_that_never_traded_meets_no_target(
    cell: Cell,
) -> None:
    silent = Cell(**{name: getattr(cell, name) for name in cell.__struct_fields__}
                  | {"tier": Tier(name="triangular", strategies=("triangular",)),
                     "settings": task_on(cell.path, {"triangular": {}}).settings})  # fmt: skip
    run_cell(silent)
    found = read_cell(silent)
    assert found is not None
    page = results_page([found], [], asked=3)
    assert "Unfinished: 1 of 3" in page
    assert "no trades" in page
    assert ", met" not in page


def test_one_rule_makes_the_windows_of_all_data() -> None:
    found = {days: plan_for(0, days * DAY_NS) for days in (20, 250, 1_700)}
    assert [(p.train_days, p.test_days) for p in found.values()] == [(5, 2), (62, 21), (365, 90)]


def test_what_cannot_be_read_is_on_the_page(cell: Cell, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not parquet")
    bad = Cell(**{name: getattr(cell, name) for name in cell.__struct_fields__} | {"path": broken})
    run_cell(bad)
    found = read_cell(bad)
    assert found is not None
    assert found.finished
    assert "broken.parquet" in results_page([found], [])


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no Parquet"):
        data_sets(tmp_path)
