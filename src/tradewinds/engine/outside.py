"""Executions in a perpetual market of ours that no order of ours made: the user's, the venue's.

One account has one position per market, whoever trades. What such an execution closes was the
user's own first, then a round trip's; what it opens is the user's, and is never traded by us.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from msgspec import structs

from tradewinds.engine.closer import Closer
from tradewinds.engine.floor import Floor
from tradewinds.execution import trade_book
from tradewinds.ledger.results import totals_of
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ACCOUNT, FillId, InstrumentId, StrategyId
from tradewinds.model.ledger import Transaction
from tradewinds.model.market import Side
from tradewinds.model.order import Fill
from tradewinds.model.portfolio import Trade

Book = Callable[[Fill, StrategyId], Transaction | None]
BY_VENUE = "closed by the venue"
BY_HAND = "closed by hand"


class Outside:
    """Books them at their own price, part by part, to whom they concern."""

    def __init__(self, floor: Floor, closer: Closer) -> None:
        self._floor = floor
        self._closer = closer

    def filled(self, fill: Fill, book: Book) -> None:
        """`book` takes a part and its owner; None when it was booked before."""
        floor = self._floor
        kind = "foreign_fill" if fill.venue_initiated else "external_fill"
        detail = f"{fill.fill_id}: {fill.side.value} {fill.quantity:f} at {fill.price:f}"
        floor.out.anomaly(kind, fill.instrument_id, detail, always=True)
        reason = BY_VENUE if fill.venue_initiated else BY_HAND
        touched = []
        for number, (part, trade) in enumerate(self._parts(fill)):
            booked = book(
                _part(fill, part, number), ACCOUNT if trade is None else trade.strategy_id
            )
            if booked is None or trade is None:
                continue
            totals = totals_of(booked)
            taken = trade_book.taken(trade, part, fill.price, reason)
            floor.keep_trade(trade_book.with_result(taken, totals.net, totals.fees))
            touched.append(trade.trade_id)
        for trade_id in touched:
            self._closer.attend(trade_id)
        if fill.venue_initiated:
            self._closer.halt("liquidated", f"the venue closed {fill.instrument_id}")

    def own(self, instrument_id: InstrumentId) -> Decimal:
        """What the user holds there beside us, signed."""
        floor = self._floor
        lot = floor.portfolio.ledger.position(ACCOUNT, floor.board.slots[instrument_id].instrument)
        return ZERO if lot is None else lot.quantity

    def _parts(self, fill: Fill) -> Iterator[tuple[Decimal, Trade | None]]:
        """Quantities and the round trip that each takes from; None: the user's own."""
        left = fill.quantity
        own = self.own(fill.instrument_id)
        if own and (own > ZERO) is (fill.side is Side.SELL):
            mine = min(abs(own), left)
            left -= mine
            yield mine, None
        for trade in list(self._floor.portfolio.trades.values()):
            closes = trade.instrument_id == fill.instrument_id and trade.side is not fill.side
            part = min(trade.quantity, left) if closes else ZERO
            if part > ZERO:
                left -= part
                yield part, trade
        if left > ZERO:
            yield left, None


def _part(fill: Fill, quantity: Decimal, number: int) -> Fill:
    """The first keeps the name, by which it is known when it is told again, and bears the fee."""
    if number == 0:
        return structs.replace(fill, quantity=quantity)
    name = FillId(f"{fill.fill_id}/{number}")
    return structs.replace(fill, quantity=quantity, fill_id=name, fee=ZERO)
