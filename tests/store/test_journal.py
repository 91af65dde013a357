"""What goes into the journal comes out of it, once, in order, on both databases."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, func, select

from tradewinds.model.commands import SetTimer
from tradewinds.model.errors import AccountInUse, ConfigError, InvariantBroken
from tradewinds.model.events import TimerFired
from tradewinds.model.order import OrderStatus
from tradewinds.store import queries
from tradewinds.store.journal import StoreJournal, read_entries, read_events, verify
from tradewinds.store.memory import MemoryJournal, NullJournal
from tradewinds.store.payload import PACKED, RAW, decode, encode, pack, unpack
from tradewinds.store.tables import FILLS, JOURNAL, METADATA, ORDERS, POSTINGS

Some = Any


def messages(database: Engine, run: str | None = None) -> list[tuple[str, int, Any]]:
    return [(e.kind, e.sequence, e.message) for e in read_entries(database, "paper", run)]


def count(database: Engine, table: Any) -> int:
    with database.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_entries_come_back_in_the_order_they_were_appended(database: Engine, some: Some) -> None:
    journal = StoreJournal(database, "paper", "r1")
    written = []
    for n in range(1, 120):
        event, commands = some.quote(n), [some.submit(n), some.order(n)] if n % 10 == 0 else []
        assert journal.append_event(event) == n
        journal.append_commands(commands)
        written += [("e", n, event), *(("c", n, command) for command in commands)]
        if n % 7 == 0:
            journal.flush(None)
    journal.flush(None)
    assert messages(database) == written
    assert list(read_events(database, "paper", "r1")) == [m for k, _, m in written if k == "e"]


def test_what_is_not_flushed_is_not_there(database: Engine, some: Some) -> None:
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(some.quote(1))
    assert messages(database) == []
    assert journal.pending.count == 1
    assert journal.pending.bytes > 0
    journal.flush(None)
    assert journal.pending.count == 0
    assert len(messages(database)) == 1


def test_sequences_count_per_run_and_the_chain_goes_on_across_runs(
    database: Engine, some: Some
) -> None:
    for run in ("r1", "r2"):
        journal = StoreJournal(database, "paper", run)
        assert journal.append_event(some.started(run)) == 1
        journal.flush(None)
        journal.append_event(some.quote(1))
        journal.flush(None)
    found = verify(database, "paper")
    assert (found.ok, found.rows, found.entries) == (True, 4, 4)
    assert [sequence for _, sequence, _ in messages(database, "r2")] == [1, 2]
    listed = queries.runs(database, "paper")
    assert [(run.run_id, run.first_batch, run.last_batch) for run in listed] == [
        ("r2", 3, 4),
        ("r1", 1, 2),
    ]
    assert listed[0].settings == '{"mode":"paper"}'
    assert listed[0].started_ns == some.started("r2").received_time_ns
    assert listed[0].last_time_ns == some.quote(1).received_time_ns


def test_accounts_have_chains_of_their_own(database: Engine, some: Some) -> None:
    for account in ("paper", "live"):
        journal = StoreJournal(database, account, f"run-{account}")
        journal.append_event(some.quote(1))
        journal.flush(some.checkpoint(1))
    assert verify(database, "paper").rows == verify(database, "live").rows == 1
    assert queries.accounts(database) == ("live", "paper")


def test_a_run_id_is_used_once(database: Engine, some: Some) -> None:
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.flush(None)
    with pytest.raises(ConfigError, match="r1"):
        StoreJournal(database, "paper", "r1")


def test_the_last_checkpoint_is_kept_and_none_leaves_it(database: Engine, some: Some) -> None:
    assert queries.checkpoint(database, "paper") is None
    journal = StoreJournal(database, "paper", "r1")
    for n in (1, 2):
        journal.append_event(some.quote(n))
        journal.flush(some.checkpoint(n))
    journal.append_event(some.quote(3))
    journal.flush(None)
    assert queries.checkpoint(database, "paper") == some.checkpoint(2)
    journal.flush(some.checkpoint(4))
    assert queries.checkpoint(database, "paper") == some.checkpoint(4)
    assert verify(database, "paper").ok


def test_projections_arrive_with_the_batch(database: Engine, some: Some) -> None:
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.append_commands([some.order(1), some.order(1, OrderStatus.CANCELED, at=9)])
    journal.flush(None)
    journal.append_event(some.filled(2))
    journal.append_commands([some.order(2), some.booked(2, 0, CASH="-1", INVENTORY="1")])
    journal.append_event(some.filled(2))
    journal.append_commands([some.booked(2, 0, CASH="-1", INVENTORY="1")])
    journal.flush(None)
    assert [order.status for order in queries.orders(database, "paper")] == [
        OrderStatus.CANCELED,
        OrderStatus.OPEN,
    ]
    assert count(database, FILLS) == 1
    assert count(database, POSTINGS) == 2
    assert queries.fills(database, "paper") == (some.filled(2).fill,)


def test_a_second_writer_on_the_account_is_stopped_and_leaves_the_chain_whole(
    database: Engine, some: Some
) -> None:
    one = StoreJournal(database, "paper", "r1")
    other = StoreJournal(database, "paper", "r2")
    one.append_event(some.quote(1))
    one.flush(None)
    other.append_event(some.quote(2))
    for _ in range(2):
        with pytest.raises(AccountInUse, match="another engine"):
            other.flush(None)
    assert len(messages(database)) == 1
    assert verify(database, "paper").ok


def test_an_entry_that_cannot_be_written_is_our_own_bug(database: Engine) -> None:
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(TimerFired(timer_id="t", venue_time_ns=2**70, received_time_ns=0))
    with pytest.raises(InvariantBroken):
        journal.flush(None)


def test_an_amount_that_is_not_a_number_is_our_own_bug(database: Engine, some: Some) -> None:
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.append_commands([some.equity(1, "NaN")])
    with pytest.raises(InvariantBroken):
        journal.flush(None)


def test_a_nul_from_outside_does_not_keep_a_batch_from_being_kept(
    database: Engine, some: Some
) -> None:
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.append_commands([some.refused(1, reason="a\x00b")])
    journal.flush(None)
    assert queries.refusals(database, "paper")[0].reason == "a\ufffdb"
    assert messages(database)[1][2].refusal.reason == "a\x00b"


def test_no_engine_may_hold_up_the_next_one_with_an_open_transaction(
    url: str, database: Engine, some: Some
) -> None:
    journal = StoreJournal(database, "paper", "r1")
    for n in range(40):
        journal.append_event(some.quote(n))
        journal.flush(None)
    reading = read_entries(database, "paper")
    next(reading)
    journal.append_event(some.quote(41))
    journal.flush(None)
    assert len(list(reading)) == 40


def test_the_projections_hold_every_field_of_what_they_project(some: Some) -> None:
    def columns(table: str) -> set[str]:
        return set(METADATA.tables[table].columns.keys()) - {"account", "run_id"}

    assert columns("trades") - {"updated_time_ns"} == set(some.trade(1).trade.__struct_fields__)
    assert columns("fills") == set(some.filled(1).fill.__struct_fields__)
    assert set(ORDERS.columns.keys()) == {"account", *queries.OrderRow.__struct_fields__}
    assert set(JOURNAL.columns.keys()) >= {"account", "payload"}


def test_equal_entries_are_equal_bytes_and_keep_the_order_of_mappings(some: Some) -> None:
    entries = [("e", 1, some.started("r1")), ("c", 1, SetTimer(timer_id="t", due_ns=5, cause=1))]
    assert encode(entries) == encode(decode(encode(entries)))
    left = msgspec.structs.replace(
        some.started("r1"), opening_balances={"A": Decimal(1), "B": Decimal(2)}
    )
    right = msgspec.structs.replace(
        some.started("r1"), opening_balances={"B": Decimal(2), "A": Decimal(1)}
    )
    for started in (left, right):
        (_, _, back), *_ = decode(encode([("e", 1, started)]))
        assert list(back.opening_balances) == list(started.opening_balances)


def test_large_batches_are_packed_and_small_ones_left_as_they_are(some: Some) -> None:
    small, large = b"x" * 10, encode([("e", n, some.quote(n)) for n in range(100)])
    assert pack(small)[:1] == RAW
    assert pack(large)[:1] == PACKED
    assert len(pack(large)) < len(large) / 2
    assert (unpack(pack(small)), unpack(pack(large))) == (small, large)


def test_the_journal_in_memory_numbers_and_keeps_as_the_one_in_the_database(
    database: Engine, some: Some
) -> None:
    memory, store = MemoryJournal(), StoreJournal(database, "paper", "r1")
    for journal in (memory, store):
        for n in range(3):
            journal.append_event(some.quote(n))
            journal.append_commands([some.order(n)])
        journal.flush(some.checkpoint(1))
    assert memory.entries == messages(database)
    assert memory.encoded() == encode(memory.entries)
    assert memory.checkpoint == queries.checkpoint(database, "paper")
    assert (len(memory.events), len(memory.commands), memory.flushed) == (3, 3, 6)
    assert NullJournal().append_event(some.quote(1)) == 1


def test_the_anchor_notes_the_head_after_every_flush(
    database: Engine, some: Some, tmp_path: Path
) -> None:
    path = tmp_path / "anchors" / "paper"
    journal = StoreJournal(database, "paper", "r1", anchor_path=path)
    for n in (1, 2):
        journal.append_event(some.quote(n))
        journal.flush(None)
        assert path.read_text() == f"{n:020d} {journal.head.hash}\n"
    assert journal.head.hash == verify(database, "paper", path).head_hash
    journal.close()
