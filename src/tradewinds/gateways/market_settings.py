"""Margin mode and leverage of each market: set before its first entry, and watched after."""

import asyncio
from decimal import Decimal

from tradewinds.gateways.ccxt_orders import CcxtClient
from tradewinds.gateways.dialect import Dialect, Retuned
from tradewinds.gateways.outcomes import Cause, Trouble
from tradewinds.gateways.venue_errands import Errands
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import ApprovedOrder, Purpose


class MarketSettings:
    """Entries of one market wait for each other here; nothing else waits."""

    def __init__(self, client: CcxtClient, dialect: Dialect, errands: Errands) -> None:
        self._client = client
        self._dialect = dialect
        self._errands = errands
        self._set: dict[InstrumentId, Decimal] = {}
        self._locks: dict[InstrumentId, asyncio.Lock] = {}

    async def prepare(self, order: ApprovedOrder) -> str:
        """Before an entry; a reason where its market is not, and cannot be, set for it."""
        if order.purpose is not Purpose.ENTER:
            return ""
        barred = self._errands.barred.get(order.instrument_id)
        if barred:
            return "; ".join(barred.values())
        async with self._locks.setdefault(order.instrument_id, asyncio.Lock()):
            if self._set.get(order.instrument_id) == order.leverage:
                return ""
            return await self._change(order.instrument_id, order.leverage)

    async def _change(self, instrument_id: InstrumentId, leverage: Decimal) -> str:
        instrument = self._dialect.instruments[instrument_id]
        # What we set is told to us as well: it must be known as ours by then.
        self._set[instrument_id] = leverage
        for request in self._dialect.preparations(instrument, leverage):
            result = await self._client.ask(request)
            if isinstance(result, Trouble) and result.cause is not Cause.UNCHANGED:
                del self._set[instrument_id]
                return f"margin mode or leverage not set: {result.reason}"
        return ""

    def retuned(self, update: Retuned) -> str:
        """Why a market may not be entered as it is set now; nothing where it is as we set it."""
        ours = self._set.get(update.instrument_id or InstrumentId(""))
        if not update.isolated:
            return f"{update.reason}: set it back to isolated"
        if ours is None or update.leverage in (ours, ZERO):
            return ""
        return f"{update.reason}: set it back to {ours:f}"
