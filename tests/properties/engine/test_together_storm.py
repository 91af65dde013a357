"""Cycles out of inventory in the storm: reports late, twice and in any order, restarts, operators.

The law is judged after every step; at the end the books agree with the venue, and the inventory is
what it was, but for what is owed and too little to buy.
"""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.properties.engine.test_engine_law import INSTRUMENTS, PRICES, Mad
from tradewinds.engine.driver import Driver
from tradewinds.engine.settings import EngineSettings
from tradewinds.ledger.ledger import Ledger
from tradewinds.ledger.loans import owed_by
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import Command, RecordTransaction, SubmitOrder
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.ids import ACCOUNT, Asset, RunId
from tradewinds.model.order import Purpose
from tradewinds.model.signal import BasketSignal, Sending
from tradewinds.ports import MarketView
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import NullJournal

STOCK = {Asset("BTC"): Decimal("0.004"), Asset("ETH"): Decimal("0.08")}
WORTH = {Asset("BTC"): Decimal(60_000), Asset("ETH"): Decimal(3_000)}
DUST = Decimal(12)
"""In dollars: what the venues take begins at six, and prices walk."""
WORLDS: tuple[dict[str, Any], ...] = (
    {"name": "smooth", "strict": True},
    {"name": "unruly", "unruly": 0.15},
    {"name": "restless", "restarts": 0.05, "operators": 0.01},
    {"name": "jumpy", "jump": 0.03, "walk_bps": 8},
    {
        "name": "all at once",
        "jump": 0.02,
        "unruly": 0.1,
        "operators": 0.02,
        "restarts": 0.02,
        "walk_bps": 6,
    },
)
SEEDS = range(20)


class Cycler(Mad):
    """Its cycles leave in every way there is; some legs have no chance to fill."""

    def basket(self, view: MarketView) -> BasketSignal:
        signal = super().basket(view)
        ways = (Sending.SIMULTANEOUS, Sending.SIMULTANEOUS, Sending.EITHER, Sending.SEQUENCED)
        return BasketSignal(
            strategy_id=signal.strategy_id,
            legs=signal.legs,
            start_asset=signal.start_asset,
            notional_max=self.dice.choice([30.0, 100.0, 1e9]),
            edge_bps=signal.edge_bps,
            reason="",
            sending=self.dice.choice(ways),
        )


def inventory_is_there(ledger: Ledger) -> None:
    for asset, amount in STOCK.items():
        lot = ledger.lot(ACCOUNT, asset)
        held = Decimal(0) if lot is None else lot.quantity
        owed = owed_by(ledger.loans, asset)
        assert held + owed == amount, f"{asset}: {held} and {owed} owed of {amount}"
        assert owed * WORTH[asset] < DUST, f"{owed} {asset} still owed"


def stocked(storm: Any) -> Any:
    """A storm whose account holds an inventory that may be used."""

    class Stocked(storm.Chaos):  # type: ignore[misc]
        lent = legs = 0

        def start(self, checkpoint: Checkpoint | None) -> None:
            self.runs += 1
            balances = {Asset("USDT"): Decimal(1000), **STOCK}
            config = EngineSettings(currency=Asset("USDT"), limits=self.limits, inventory=STOCK)
            strategies = self.cast.strategies(self.dice)
            self.engine = storm.Watched(config, strategies, self.world.strict)
            self.truth = SimVenue(self.cast.instruments, balances, SimSettings())
            seed = self.seed * 100 + self.runs
            self.venue = storm.Shuffled(self.truth, seed, self.world.unruly)
            if checkpoint is not None:
                self.venue.restore(checkpoint)
            self.driver = Driver(self.engine, self.venue, NullJournal(), beat_ns=1_000_000_000)
            self.driver.listener = self.heard
            self.driver.start(
                ev.RunStarted(
                    run_id=RunId(f"r{self.runs}"),
                    account="a",
                    instruments=self.cast.instruments,
                    opening_balances=balances,
                    checkpoint=checkpoint,
                    settings="",
                    venue_time_ns=self.now,
                    received_time_ns=self.now,
                )
            )

        def heard(self, commands: list[Command]) -> None:
            for command in commands:
                if isinstance(command, RecordTransaction):
                    self.lent += command.transaction.kind == "lend"
                if isinstance(command, SubmitOrder):
                    self.legs += command.order.purpose is Purpose.LEG

        def books_agree(self) -> None:
            super().books_agree()
            inventory_is_there(self.engine.floor.portfolio.ledger)

    return Stocked


def cast_of(storm: Any) -> Any:
    def strategies(dice: random.Random) -> list[Mad]:
        return [Cycler("cycler", dice), Cycler("mad", dice)]

    return storm.Cast(INSTRUMENTS, PRICES, strategies)


@pytest.mark.parametrize("fields", WORLDS, ids=lambda fields: fields["name"])
def test_the_law_holds_and_the_inventory_comes_back(
    law: Any, storm: Any, fields: dict[str, Any]
) -> None:
    world, chaos_of, lent = storm.World(**fields), stocked(storm), 0
    for seed in SEEDS:
        chaos = chaos_of(world, seed, law.limits(), cast_of(storm))
        try:
            chaos.run()
        except (AssertionError, InvariantBroken) as error:
            raise AssertionError(f"world {world.name!r}, seed {seed}: {error}") from error
        lent += chaos.lent
        if world.strict:
            assert not chaos.gaps, f"seed {seed}: {chaos.gaps}"
    assert lent > len(SEEDS), "the world is too tame"
