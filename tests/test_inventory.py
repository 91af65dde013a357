"""What the settings name as inventory, and what of it a paper account and a venue's has."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from tradewinds.accounts import with_inventory
from tradewinds.config import Settings, load
from tradewinds.engagement import Engagement
from tradewinds.ledger.ledger import Ledger
from tradewinds.model.checkpoint import Checkpoint, RiskState
from tradewinds.model.errors import ConfigError
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.portfolio import TradingState
from tradewinds.parts import Recipe, engine_settings_of, opening_of, recipe_from, recipe_text

USDT, USDC, BTC = Asset("USDT"), Asset("USDC"), Asset("BTC")
NAMED = {USDC: Decimal(300), BTC: Decimal("0.005")}


def left(**balances: Decimal) -> Checkpoint:
    """An account with so much of each, a hundred dollars a piece."""
    ledger = Ledger(USDT)
    rates = {Asset(name): Decimal(100) for name in balances}
    ledger.open({Asset(name): amount for name, amount in balances.items()}, rates, 1)
    risk = RiskState(
        trading_state=TradingState.ACTIVE,
        reason="",
        operator_halt=False,
        day=0,
        day_start_equity=Decimal(1000),
        peak_equity=Decimal(1000),
        day_limit_hit=False,
    )
    return Checkpoint(
        time_ns=1,
        ledger=ledger.state(),
        risk=risk,
        trades=(),
        orders=(),
        disabled_strategies=(),
        last_prices={},
    )


def test_the_settings_reach_the_engine_the_opening_and_the_journal() -> None:
    settings = Settings.model_validate({"account": {"inventory": {"USDC": 300, "BTC": "0.005"}}})
    engine = engine_settings_of(settings)
    assert engine.inventory == NAMED
    assert opening_of(settings) == {USDT: Decimal(1000), **NAMED}
    text = recipe_text(Recipe(engine=engine, params={}))
    assert recipe_from(text).engine == engine
    old = text.replace(',"inventory":{"BTC":"0.005","USDC":"300"}', "")
    assert old != text
    assert recipe_from(old).engine.inventory == {}, "a journal of before replays"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{ USDT = 5 }", "account.currency"),
        ("{ usdc = 5 }", "account.inventory.usdc"),
        ("{ USDC = 0 }", "account.inventory.USDC"),
        ("{ USDC = -1 }", "account.inventory.USDC"),
        ("{ USDC = nan }", "account.inventory.USDC"),
        ("300", "account.inventory"),
    ],
)
def test_what_cannot_be_an_inventory_stops_the_start(value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(None, {"TRADEWINDS__ACCOUNT__INVENTORY": value})


def test_what_is_named_later_is_counted_from_then_on_and_only_once() -> None:
    before = left(USDT=Decimal(1000))
    first = with_inventory(before, NAMED, None)
    assert first is not None
    assert first.waiting == NAMED
    assert with_inventory(first, NAMED, None) == first
    has = left(USDT=Decimal(1000), USDC=Decimal(1))
    assert with_inventory(has, NAMED, None).waiting == {BTC: NAMED[BTC]}  # type: ignore[union-attr]
    assert with_inventory(None, NAMED, None) is None


def test_what_a_strategy_holds_is_not_inventory_to_be_had_again() -> None:
    """Its coins lie at the venue as well: what is beside them is the user's, and was named."""
    ledger = Ledger(USDT)
    ledger.open({USDT: Decimal(1000)}, {}, 1)
    ledger.book_external("x", StrategyId("momentum"), (BTC, Decimal("0.01"), Decimal(100)), 1)
    held = left(USDT=Decimal(1000))
    checkpoint = Checkpoint(
        **{name: getattr(held, name) for name in held.__struct_fields__ if name != "ledger"},
        ledger=ledger.state(),
    )
    for there, room in (("0.01", None), ("0.012", "0.002"), ("1", "0.005")):
        found = with_inventory(checkpoint, {BTC: NAMED[BTC]}, {BTC: Decimal(there)})
        assert found is not None
        assert found.waiting == ({} if room is None else {BTC: Decimal(room)})


def engaged(balances: dict[Asset, Decimal]) -> Any:
    made: Any = Engagement.__new__(Engagement)
    made.state = SimpleNamespace(balances=balances)
    return made


def test_at_a_venue_only_what_is_named_is_taken_and_no_more_than_lies_there() -> None:
    there = {USDT: Decimal(900), USDC: Decimal(250), BTC: Decimal(2), Asset("ETH"): Decimal(7)}
    opening = engaged(there).opening(USDT, NAMED)
    assert opening == {USDT: Decimal(900), USDC: Decimal(250), BTC: NAMED[BTC]}
    assert engaged(there).opening(USDT) == {USDT: Decimal(900)}, "the user's own, all of it"
    assert engaged({USDT: Decimal(900)}).opening(USDT, NAMED)[BTC] == 0
