"""The risk of a round trip is worked out once for the same values, and anew when one changes."""

from decimal import Decimal

import pytest
from msgspec import structs

from tradewinds import parts
from tradewinds.config import load
from tradewinds.engine.board import Board
from tradewinds.engine.portfolio import Portfolio
from tradewinds.market.synthetic_spec import synthetic_instruments
from tradewinds.model.ids import Asset, StrategyId, TradeId
from tradewinds.model.ledger import Lot
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase

BTC = next(i for i in synthetic_instruments() if i.symbol == "BTC/USDT")
OWNER = StrategyId("s")


def bought_at(price: str) -> Lot:
    return Lot(
        strategy_id=OWNER,
        asset=BTC.base,
        instrument_id="",
        quantity=Decimal(1),
        cost=Decimal(price),
    )


@pytest.fixture
def portfolio(monkeypatch: pytest.MonkeyPatch) -> Portfolio:
    """One unit held, bought at 100, its stop at 90."""
    limits = parts.limits_of(load(None, {"TRADEWINDS_HOME": "/nonexistent"}))
    board = Board(0.5)
    board.list_instruments((BTC,))
    portfolio = Portfolio(Asset("USDT"), board, limits)
    lots = {OWNER: bought_at("100")}
    monkeypatch.setattr(portfolio.ledger, "lot", lambda owner, asset: lots.get(owner))
    portfolio.lots = lots
    portfolio.trades[TradeId("t")] = Trade(
        trade_id=TradeId("t"),
        strategy_id=OWNER,
        instrument_id=BTC.id,
        side=Side.BUY,
        phase=TradePhase.OPEN,
        quantity=Decimal(1),
        entry_price=Decimal(100),
        stop_price=Decimal(90),
        opened_time_ns=0,
    )
    assert portfolio.open_risk() == portfolio.open_risk() > Decimal(10)
    return portfolio


def test_a_dearer_purchase_is_a_greater_risk(portfolio):
    before = portfolio.open_risk()
    portfolio.lots[OWNER] = bought_at("105")
    assert portfolio.open_risk() == before + 5


def test_a_tightened_stop_is_a_smaller_risk(portfolio):
    before = portfolio.open_risk()
    trade = portfolio.trades[TradeId("t")]
    portfolio.trades[TradeId("t")] = structs.replace(trade, stop_price=Decimal(95))
    assert portfolio.open_risk() < before - 4


def test_a_dearer_fee_is_a_greater_risk(portfolio):
    before = portfolio.open_risk()
    portfolio._board.list_instruments((structs.replace(BTC, taker_fee=Decimal("0.01")),))
    assert portfolio.open_risk() > before


def test_what_is_closed_is_no_risk(portfolio):
    portfolio.trades.clear()
    assert portfolio.open_risk() == 0
