"""Inventory that no round trip accounts for: what an interrupted basket left in our hands."""

from collections.abc import Iterable, Iterator

from tradewinds.engine.board import Slot
from tradewinds.engine.floor import Floor
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ACCOUNT, Asset
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.ledger import Lot
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase


def leftovers(lots: Iterable[Lot], trades: Iterable[Trade], floor: Floor) -> Iterator[Trade]:
    """A round trip to be closed for each strategy's spot lot that is sellable and unaccounted."""
    held = [(trade.strategy_id, trade.instrument_id, trade.quantity) for trade in trades]
    for lot in lots:
        slot = _market_of(lot.asset, floor)
        if slot is None or lot.strategy_id == ACCOUNT or lot.instrument_id:
            continue
        accounted = sum(
            (
                quantity
                for owner, instrument_id, quantity in held
                if owner == lot.strategy_id and instrument_id == slot.instrument.id
            ),
            ZERO,
        )
        price = floor.board.price(slot.instrument.id)
        quantity = slot.instrument.quantity_down(lot.quantity - accounted)
        if price is None or not slot.instrument.closable(quantity, price):
            continue
        yield Trade(
            trade_id=floor.next_trade_id(),
            strategy_id=lot.strategy_id,
            instrument_id=slot.instrument.id,
            side=Side.BUY,
            phase=TradePhase.OPEN,
            quantity=quantity,
            entry_price=price,
            stop_price=price,
            entry_quantity=quantity,
            opened_time_ns=floor.out.now_ns,
            reason="found after a restart",
        )


def _market_of(asset: Asset, floor: Floor) -> Slot | None:
    for slot in floor.board.slots.values():
        instrument = slot.instrument
        spot = instrument.kind is InstrumentKind.SPOT
        if spot and instrument.base == asset and instrument.quote == floor.settings.currency:
            return slot
    return None
