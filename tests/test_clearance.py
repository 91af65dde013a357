"""The record of what allows real money: chained, and worth nothing once a row was changed."""

from pathlib import Path

import pytest

from tradewinds import clearance
from tradewinds.clearance import Promoted
from tradewinds.model.errors import JournalCorrupt


def promoted(name: str) -> Promoted:
    return Promoted(strategy=name, params_hash="ab", evidence={"trades": "100"}, time_ns=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = clearance.path_of(tmp_path / "home")
    for name in ("one", "two", "three"):
        clearance.append(found, promoted(name))
    return found


def test_what_was_written_is_read_in_order_and_by_its_owner_alone(path: Path) -> None:
    assert clearance.rows(path) == tuple(map(promoted, ("one", "two", "three")))
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_file_there_is_nothing_on_record(tmp_path: Path) -> None:
    assert clearance.rows(clearance.path_of(tmp_path)) == ()


def test_a_row_that_was_changed_taken_out_or_moved_makes_all_of_it_worthless(path: Path) -> None:
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    spoiled = {
        "changed": whole.replace(b'"two"', b'"six"'),
        "taken out": lines[0] + lines[2],
        "moved": lines[1] + lines[0] + lines[2],
        "cut": whole[:-20],
        "garbage": whole + b"{}\n",
        "not text": whole + b"\xff\xfe\n",
        "first": lines[1] + lines[2],
    }
    for how, content in spoiled.items():
        path.write_bytes(content)
        with pytest.raises(JournalCorrupt, match="not what was written"):
            clearance.rows(path)
        with pytest.raises(JournalCorrupt):
            clearance.append(path, promoted("four"))
        assert path.read_bytes() == content, how


def test_rows_cut_off_at_the_end_make_the_rest_worthless_too(path: Path) -> None:
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for left in (b"", lines[0], lines[0] + lines[1]):
        path.write_bytes(left)
        with pytest.raises(JournalCorrupt, match="3 rows were written"):
            clearance.rows(path)
        with pytest.raises(JournalCorrupt):
            clearance.append(path, promoted("four"))
        assert path.read_bytes() == left
    path.unlink()
    with pytest.raises(JournalCorrupt, match="3 rows were written and 0"):
        clearance.head(path)
    clearance.anchor_of(path).unlink()
    assert clearance.rows(path) == (), "both moved away: everything is done again"
    clearance.append(path, promoted("new"))
    assert clearance.rows(path) == (promoted("new"),)


def test_an_end_that_was_written_anew_shows(path: Path, tmp_path: Path) -> None:
    other = clearance.path_of(tmp_path / "other")
    for name in ("one", "two", "another"):
        clearance.append(other, promoted(name))
    path.write_bytes(other.read_bytes())
    with pytest.raises(JournalCorrupt, match="not the one that was noted"):
        clearance.rows(path)


def test_a_row_whose_note_was_not_written_counts_and_a_note_that_is_gone_does_not(
    path: Path,
) -> None:
    note = clearance.anchor_of(path)
    before = note.read_bytes()
    clearance.append(path, promoted("four"))
    note.write_bytes(before)
    assert len(clearance.rows(path)) == 4
    clearance.append(path, promoted("five"))
    assert len(clearance.rows(path)) == 5
    for spoiled in (b"", b"{}", b'{"rows":0,"hash":""}', b"\xff"):
        note.write_bytes(spoiled)
        with pytest.raises(JournalCorrupt, match="cannot be read"):
            clearance.rows(path)
    note.unlink()
    with pytest.raises(JournalCorrupt, match="is gone"):
        clearance.rows(path)


def test_the_note_is_its_owners_alone(path: Path) -> None:
    assert clearance.anchor_of(path).stat().st_mode & 0o777 == 0o600


def test_another_key_has_another_print_and_none_shows_the_key() -> None:
    assert clearance.key_print("a" * 64) != clearance.key_print("b" * 64)
    assert "aaaa" not in clearance.key_print("a" * 64)
