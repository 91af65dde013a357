"""`report`, `audit`, `replay`: what the store says, and that nobody changed it."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from tradewinds.config import Settings
from tradewinds.engine.engine import Engine
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import RecordEquity, RecordTrade, RecordTransaction
from tradewinds.model.events import RunStarted, TimerFired
from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.ledger import Account, LedgerState, Posting, Transaction
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.parts import Recipe, engine_settings_of, recipe_from, recipe_text
from tradewinds.research.program import digest_of, program
from tradewinds.store.database import open_database, sqlite_url
from tradewinds.store.journal import StoreJournal

DAY_NS = 86_400_000_000_000
MONDAY_NS = 19_723 * DAY_NS
BTC = InstrumentId("BTC/USDT@binance")
HOUR_NS = 3_600_000_000_000
Journal = Callable[..., None]


def started(run: str, at_ns: int, checkpoint: Checkpoint | None = None) -> RunStarted:
    recipe = Recipe(engine=engine_settings_of(Settings()), params={})
    return RunStarted(
        run_id=RunId(run),
        account="paper-replay",
        instruments=(),
        opening_balances={Asset("USDT"): Decimal(1000)},
        checkpoint=checkpoint,
        settings=recipe_text(recipe),
        venue_time_ns=at_ns,
        received_time_ns=at_ns,
    )


def trade(run: str, number: int, strategy: str, realised: str, closed_ns: int) -> RecordTrade:
    closed = Trade(
        trade_id=TradeId(f"{run}-t{number}"),
        strategy_id=StrategyId(strategy),
        instrument_id=BTC,
        side=Side.BUY,
        phase=TradePhase.CLOSED,
        quantity=Decimal(0),
        entry_price=Decimal(40_000),
        exit_price=Decimal(40_100),
        entry_quantity=Decimal("0.01"),
        exit_quantity=Decimal("0.01"),
        stop_price=Decimal(39_000),
        opened_time_ns=closed_ns - HOUR_NS,
        closed_time_ns=closed_ns,
        realised=Decimal(realised),
        exit_reason="stop",
    )
    return RecordTrade(trade=closed, time_ns=closed_ns, cause=1)


def booked(name: str, strategy: str, gross: str, fees: str, at_ns: int) -> RecordTransaction:
    def posting(account: Account, value: Decimal) -> Posting:
        return Posting(
            account=account,
            asset=Asset("USDT"),
            quantity=Decimal(0),
            value=value,
            strategy_id=StrategyId(strategy),
            instrument_id=BTC,
        )

    made, paid = Decimal(gross), Decimal(fees)
    postings = (
        posting(Account.REALISED, -made),
        posting(Account.FEES, paid),
        posting(Account.CASH, made - paid),
    )
    transaction = Transaction(transaction_id=name, kind="fill", time_ns=at_ns, postings=postings)
    return RecordTransaction(transaction=transaction, cause=1)


def equity(value: str, at_ns: int) -> RecordEquity:
    return RecordEquity(
        equity=Decimal(value),
        cash=Decimal(value),
        realised_today=Decimal(0),
        open_risk=Decimal(0),
        time_ns=at_ns,
        cause=1,
    )


def a_run(run: str, start_ns: int, checkpoint: Checkpoint | None = None) -> list[Any]:
    """Two days: momentum wins 5 and loses 2, triangular wins 1; fees of 0.5 each."""
    tuesday_ns = start_ns + DAY_NS
    return [
        started(run, start_ns, checkpoint),
        equity("1000", start_ns),
        trade(run, 1, "momentum", "4.5", start_ns + 2 * HOUR_NS),
        booked(f"{run}-1", "momentum", "5", "0.5", start_ns + 2 * HOUR_NS),
        trade(run, 2, "momentum", "-2.5", tuesday_ns + HOUR_NS),
        booked(f"{run}-2", "momentum", "-2", "0.5", tuesday_ns + HOUR_NS),
        trade(run, 3, "triangular", "0.5", tuesday_ns + 2 * HOUR_NS),
        booked(f"{run}-3", "triangular", "1", "0.5", tuesday_ns + 2 * HOUR_NS),
        equity("1002.5", tuesday_ns + 3 * HOUR_NS),
    ]


@pytest.fixture
def journal(home: Path) -> Journal:
    """Writes what a run would: the first is an event, the rest commands, in two batches."""

    def write(messages: Sequence[Any], account: str = "paper-replay") -> None:
        database = open_database(sqlite_url(home / "tradewinds.db"))
        anchor = home / "anchors" / account
        book = StoreJournal(database, account, messages[0].run_id, anchor_path=anchor)
        book.append_event(messages[0])
        book.append_commands(messages[1:5])
        book.flush(None)
        at_ns = messages[-1].time_ns
        book.append_event(TimerFired(timer_id="beat", venue_time_ns=at_ns, received_time_ns=at_ns))
        book.append_commands(messages[5:])
        book.flush(None)
        book.close()
        database.dispose()

    return write


def data(answer: Any) -> Any:
    assert answer.code == 0, answer.out
    return answer.json["data"]


def test_the_report_adds_up_by_strategy_and_day(cli: Callable[..., Any], journal: Journal) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    found = data(cli("report", "--json"))
    sheet = found["sheet"]
    assert (found["account"], found["runs"]) == ("paper-replay", ["aaaa"])
    assert sheet["performance"]["absolute_profit"] == "2.5"
    nets = {
        row["name"]: (row["trades"], row["wins"], Decimal(row["totals"]["gross"]))
        for row in [*sheet["by_strategy"], *sheet["by_day"]]
    }
    assert nets == {
        "momentum": (2, 1, 3),
        "triangular": (1, 1, 1),
        "2024-01-01": (1, 1, 5),
        "2024-01-02": (2, 1, -1),
    }


def test_the_report_can_be_read_and_says_what_it_is_worth(
    cli: Callable[..., Any], journal: Journal
) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    text = cli("report").out
    for words in ("Sharpe", "Profit factor", "Total paid fees", "REPLAY", "too few to tell"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_day_holds_only_that_day(cli: Callable[..., Any], journal: Journal) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    sheet = data(cli("report", "--day", "2024-01-02", "--json"))["sheet"]
    assert [row["trades"] for row in sheet["by_strategy"]] == [1, 1]
    assert [row["name"] for row in sheet["by_day"]] == ["2024-01-02"]
    assert len(data(cli("report", "--since", "2024-01-02", "--json"))["sheet"]["trades"]) == 2
    assert data(cli("report", "--since", "2024-02-01", "--json"))["sheet"]["trades"] == []


def test_one_strategy_has_a_curve_of_its_own(cli: Callable[..., Any], journal: Journal) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    sheet = data(cli("report", "--strategy", "triangular", "--json"))["sheet"]
    assert sheet["performance"]["absolute_profit"] == "0.5"
    assert [row["name"] for row in sheet["by_strategy"]] == ["triangular"]


def test_two_replays_of_the_same_days_are_not_added_up(
    cli: Callable[..., Any], journal: Journal
) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    journal(a_run("bbbb", MONDAY_NS))
    newest = data(cli("report", "--json"))
    older = data(cli("report", "--run", "aaaa", "--json"))
    assert (newest["runs"], older["runs"]) == (["bbbb"], ["aaaa"])
    assert newest["sheet"]["performance"]["trades"]["trades"] == 3
    assert older["sheet"]["performance"]["trades"]["trades"] == 3


def test_a_run_that_goes_on_from_another_is_reported_with_it(
    cli: Callable[..., Any], journal: Journal
) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    journal(a_run("bbbb", MONDAY_NS + 4 * DAY_NS, checkpoint()))
    found = data(cli("report", "--json"))
    assert found["runs"] == ["bbbb", "aaaa"]
    assert found["sheet"]["performance"]["trades"]["trades"] == 6


def checkpoint() -> Checkpoint:
    engine = Engine(engine_settings_of(Settings()), [])
    engine.step(started("cccc", MONDAY_NS))
    saved = engine.checkpoint()
    assert isinstance(saved.ledger, LedgerState)
    return saved


def test_a_run_or_account_that_is_not_there_is_named(
    cli: Callable[..., Any], journal: Journal
) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    for words in (["--run", "zzzz"], ["--account", "zzzz"]):
        answer = cli("report", *words, "--json")
        assert answer.code == 2
        assert "zzzz" in answer.json["error"]["message"]


@pytest.mark.parametrize("verb", ["report", "audit", "replay"])
def test_before_the_first_run_there_is_nothing_to_tell(cli: Callable[..., Any], verb: str) -> None:
    answer = cli(verb, "--json")
    assert answer.code == 1
    assert "nothing has been traded" in answer.json["error"]["message"]
    assert "trading-cli run" in answer.json["error"]["fix"]


def test_a_database_that_is_no_database_is_no_traceback(
    cli: Callable[..., Any], home: Path
) -> None:
    home.mkdir()
    (home / "tradewinds.db").write_bytes(b"not a database" * 100)
    answer = cli("report", "--json")
    assert answer.code == 5
    assert "damaged" in answer.json["error"]["message"]


def test_audit_tells_counts_and_the_head(cli: Callable[..., Any], journal: Journal) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    [found] = data(cli("audit", "--json"))
    assert (found["rows"], found["head_batch"], found["bad_batch"]) == (2, 2, None)
    assert cli("audit", "--head", found["head_hash"]).code == 0
    assert cli("audit", "--head", "0" * 64).code == 5
    assert "intact" in cli("audit").out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE journal SET payload = x'00' WHERE number = 1", "edited"),
        ("DELETE FROM journal WHERE number = 1", "deleted"),
        ("DELETE FROM journal WHERE number = 2", "truncated"),
    ],
)
def test_a_changed_journal_is_exit_code_5_and_the_row_is_named(
    cli: Callable[..., Any], home: Path, journal: Journal, damage: str, words: str
) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    with sqlite3.connect(home / "tradewinds.db") as connection:
        connection.execute(damage)
    connection.close()
    answer = cli("audit", "--json")
    assert answer.code == 5
    assert answer.json["error"]["code"] == "audit_failed"
    assert words in answer.json["error"]["message"]
    assert "BROKEN" in cli("audit").out


def test_replay_finds_commands_that_the_engine_would_not_give(
    cli: Callable[..., Any], journal: Journal
) -> None:
    journal(a_run("aaaa", MONDAY_NS))
    answer = cli("replay", "--json")
    assert answer.code == 9
    assert answer.json["data"]["first_difference"]


@pytest.mark.parametrize(
    ("writer", "words"),
    [
        ("0.0.9 abcdefabcdef", "another version, 0.0.9 abcdefabcdef"),
        ("", "an earlier version, which did not note itself"),
        (program(), ""),
    ],
)
def test_replay_says_when_another_version_wrote_the_journal(
    cli: Callable[..., Any], journal: Journal, writer: str, words: str
) -> None:
    run = a_run("aaaa", MONDAY_NS)
    recipe = Recipe(engine=engine_settings_of(Settings()), params={}, program=writer)
    journal([replace(run[0], settings=recipe_text(recipe)), *run[1:]])
    answer = cli("replay", "--json")
    found = answer.json["data"]
    assert found["written_by"] == writer
    assert found["read_by"] == program()
    assert ("differences may come from that" in found["note"]) is bool(words)
    assert words in found["note"]
    text = cli("replay")
    assert " ".join(words.split()) in " ".join((text.out + text.err).split())
    assert ("differences may come" in text.err) is bool(words), "with the fault it may explain"


def test_journals_of_before_versions_were_noted_are_read() -> None:
    """As written then: no markets, no holders, no program."""
    recipe = Recipe(engine=engine_settings_of(Settings()), params={"momentum": {}})
    old = {"engine": to_builtins(recipe.engine), "params": recipe.params, "terms": {"a": "b"}}
    found = recipe_from(json.dumps(old))
    assert (found.program, found.holders, found.markets) == ("", (), {})
    assert found.params == recipe.params


def test_the_program_is_named_by_its_sources_alone(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        for name in ("engine/x.py", "model/y.py", "kernels/z.wasm", "engine/__pycache__/x.pyc"):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    one, other = tmp_path / "a", tmp_path / "b"
    assert digest_of(one) == digest_of(other)
    (other / "engine/__pycache__/x.pyc").write_text("compiled elsewhere")
    (other / "dashboard").mkdir()
    (other / "dashboard/page.py").write_text("decides nothing")
    assert digest_of(one) == digest_of(other)
    for name in ("engine/x.py", "kernels/z.wasm"):
        (other / name).write_text("changed")
        assert digest_of(one) != digest_of(other)
        (other / name).write_text(name)
    (other / "engine/x.py").rename(other / "engine/w.py")
    assert digest_of(one) != digest_of(other)


def test_bars_are_told_apart_from_other_events() -> None:
    from tradewinds.cli.report_data import first_prices

    bar = Bar(
        instrument_id=BTC,
        timeframe_ns=HOUR_NS,
        open_time_ns=MONDAY_NS,
        open=1.0,
        high=3.0,
        low=0.5,
        close=2.0,
        volume=1.0,
        venue_time_ns=MONDAY_NS + HOUR_NS,
        received_time_ns=MONDAY_NS + HOUR_NS,
    )
    beat = TimerFired(timer_id="beat", venue_time_ns=1, received_time_ns=1)
    assert first_prices([beat, bar, bar], {BTC}) == {BTC: 1.0}
    assert first_prices([beat], {BTC}) == {}
