"""Legs at once in the synthetic market: they trade there, replay byte for byte, and know no future.

Only there: no recording at hand shows three quotes of one moment with an edge.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.flows.conftest import EAGER
from tradewinds.config import Settings
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.commands import RecordTransaction, SubmitOrder
from tradewinds.model.ids import ACCOUNT
from tradewinds.model.order import Purpose
from tradewinds.options import BacktestOptions
from tradewinds.parts import inventory_of
from tradewinds.research.backtest import backtest
from tradewinds.research.lookahead import lookahead
from tradewinds.research.rerun import rerun
from tradewinds.research.trial import Task
from tradewinds.sources import SYNTHETIC_EPOCH_NS, Past

STOCK = {"USDC": Decimal(300), "BTC": Decimal("0.005"), "ETH": Decimal("0.1")}
SECONDS = 1200
SEED = 5
"""Twenty minutes of it have cycles that fill, and some that break."""


def eager(legs: str) -> Settings:
    off = {"enabled": False}
    return Settings.model_validate(
        {
            "account": {"inventory": STOCK},
            "strategies": {
                "triangular": {"params": {**EAGER, "legs": legs}},
                "momentum": off,
                "scalping": off,
            },
        }
    )


@pytest.fixture(scope="module")
def past() -> Past:
    feed = SyntheticFeed(SEED, SYNTHETIC_EPOCH_NS, duration_s=SECONDS)
    return Past(
        label=feed.label,
        synthetic=True,
        instruments=feed.instruments,
        blocks=[list(block) for block in feed.blocks()],
        history={},
        default_params={},
    )


@pytest.fixture(scope="module")
def run(past: Past, make_run: Callable[..., Any]) -> Any:
    return make_run(eager("simultaneous"), past).over(past.blocks)


def kinds(run: Any) -> Counter[str]:
    booked = (c for c in run.journal.commands if isinstance(c, RecordTransaction))
    return Counter(command.transaction.kind for command in booked)


def test_cycles_leave_at_once_and_replay_byte_for_byte(run: Any) -> None:
    sent = Counter(
        (c.time_ns, c.order.trade_id)
        for c in run.journal.commands
        if isinstance(c, SubmitOrder) and c.order.purpose is Purpose.LEG
    )
    assert set(sent.values()) == {3}, "three in the same instant, never fewer"
    assert len(sent) >= 5
    assert kinds(run)["lend"] == 2 * len(sent)
    result = rerun((kind, number, message) for kind, number, message in run.journal.entries)
    assert result.ok, result.first_difference


def test_a_second_run_writes_the_same_bytes(
    run: Any, past: Past, make_run: Callable[..., Any]
) -> None:
    again = make_run(eager("simultaneous"), past).over(past.blocks)
    digests = {hashlib.sha256(each.journal.encoded()).hexdigest() for each in (run, again)}
    assert len(digests) == 1


def test_the_books_agree_with_the_venue_and_the_inventory_is_what_it_was(run: Any) -> None:
    ledger = run.engine.floor.portfolio.ledger
    venue = {asset: amount for asset, amount in run.venue.balances.items() if amount}
    assert {asset: amount for asset, amount in ledger.balances.items() if amount} == venue
    for asset, amount in inventory_of(eager("simultaneous")).items():
        lot = ledger.lot(ACCOUNT, asset)
        owed = sum(x.quantity for x in ledger.loans.values() if x.asset == asset)
        assert lot is not None
        assert lot.quantity + owed == amount
        assert owed * (run.engine.floor.portfolio.rate(asset) or 0) < 6


def test_a_backtest_begins_with_what_its_inventory_is_worth(past: Past) -> None:
    """It is no gain of the first minute."""
    result = backtest(eager("auto"), past, only=("triangular",))
    assert result.equity[0][1] > 1800
    assert abs(result.performance.returns.total or 0.0) < 0.02
    assert result.trades
    assert all(trade.gap == 0 for trade in result.trades)
    assert all(-trade.realised <= trade.approved_loss for trade in result.trades)


def test_legs_at_once_know_no_future(past: Past) -> None:
    """The same wishes from pasts that end earlier, and weeks later."""
    events = [event for block in past.blocks for event in block]

    def made(until_ns: int | None) -> Past:
        kept = [e for e in events if until_ns is None or e.received_time_ns <= until_ns]
        return replace(past, blocks=[kept])

    cuts = [events[len(events) * 5 // 6].received_time_ns]
    options = BacktestOptions(path=Path("unused"))
    task = Task(settings=eager("auto"), options=options, strategies=("triangular",))
    report = lookahead(task, made, cuts)
    assert report.clean, report.leaks
    assert report.checked > 0
