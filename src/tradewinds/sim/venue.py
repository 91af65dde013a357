"""A venue in event time. Orders and cancels reach it `latency_ns` after they were sent and meet
the market as it was then; reports reach us `report_latency_ns` later. Time is received time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from heapq import heappop, heappush
from types import MappingProxyType

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.events import CancelRejected, MarketEvent, OrderRejected, VenueReport
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, TradePrint
from tradewinds.model.order import ApprovedOrder
from tradewinds.sim import bars, matching
from tradewinds.sim.desk import Desk
from tradewinds.sim.doubt import sound
from tradewinds.sim.filters import refusal
from tradewinds.sim.margin import PerpPosition
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.restart import restore
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.working import working

FAR = 2**63 - 1
QueueItem = SubmitOrder | CancelOrder | VenueReport | InstrumentId
"""The id of an instrument stands for the end of its listing."""


class SimVenue:
    """Implements `ports.DrivenVenue`: deterministic, synchronous, never asks a clock.

    A bar cannot resolve latency: what is sent between its stages is there at the next stage, and
    the slippage charge stands for the time it would have taken.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        balances: Mapping[Asset, Decimal],
        settings: SimSettings | None = None,
    ) -> None:
        """What can be traded, and what the account starts with."""
        self._settings = settings or SimSettings()
        self._desk = Desk(balances, self._settings)
        self._markets = self._desk.account.markets
        for instrument in instruments:
            self._markets[instrument.id] = self._market(instrument)
        self._queue: list[tuple[int, int, QueueItem]] = []
        self._queued = 0
        self._due_ns = FAR
        self._staging: tuple[InstrumentId, int] | None = None

    @property
    def balances(self) -> Mapping[Asset, Decimal]:
        """What the venue holds for us, posted margin included."""
        return MappingProxyType(self._desk.account.balances)

    @property
    def positions(self) -> Mapping[InstrumentId, PerpPosition]:
        """Open perpetual positions."""
        return {p.instrument_id: p for p in self._desk.account.positions()}

    @property
    def quiet_markets(self) -> Mapping[InstrumentId, MarketState]:
        """See ports.QuietVenue."""
        return self._markets

    @property
    def next_due_ns(self) -> int:
        """See ports.QuietVenue."""
        return self._due_ns

    def working_orders(self) -> Sequence[ApprovedOrder]:
        """Orders on the books, oldest first."""
        return [w.order for w in self._desk.account.orders.values()]

    def locked(self, asset: Asset) -> Decimal:
        """Set aside by working orders."""
        return self._desk.account.locked(asset)

    def free(self, asset: Asset) -> Decimal:
        """Balance less locks less posted margin."""
        return self._desk.account.free(asset)

    def update_instrument(self, instrument: Instrument) -> None:
        """New filters, fees or status; a new instrument can be traded from now on."""
        market = self._markets.get(instrument.id)
        if market is None:
            self._markets[instrument.id] = self._market(instrument)
        else:
            market.instrument = instrument
            market.rewatch()
            if market.delisted:
                # Not at once: the engine is told of the end before its orders are.
                self._push(0, market.id)

    def _market(self, instrument: Instrument) -> MarketState:
        return MarketState(instrument, self._settings.price_leap_max)

    def submit(self, command: SubmitOrder) -> None:
        """Send an order on its way."""
        self._send(command, command.order.instrument_id)

    def cancel(self, command: CancelOrder) -> None:
        """Send a cancel on its way; the order may fill before it arrives."""
        self._send(command, command.instrument_id)

    def stages(self, event: MarketEvent) -> Iterable[Sequence[VenueReport]]:
        """Reports that `event` causes, one batch at a time; exhaust it before the next event."""
        market = self._markets.get(event.instrument_id)
        if market is None:
            return ()
        if event.received_time_ns < self._due_ns:
            kind = type(event)
            if kind is Quote:
                # Written so that what is no number passes none of them, and is looked at closely.
                if (
                    event.ask >= market.ask_below  # type: ignore[union-attr]
                    and event.bid <= market.bid_above  # type: ignore[union-attr]
                    and event.bid > market.bid_floor  # type: ignore[union-attr]
                    and event.ask < market.ask_ceiling  # type: ignore[union-attr]
                ):
                    market.showing = event  # type: ignore[assignment]
                    return ()
            elif kind is Bar:
                if bars.passed_by(market, event):  # type: ignore[arg-type]
                    return ()
            elif market.idle or (
                kind is TradePrint and not market.stirs(event.price, event.price)  # type: ignore[union-attr]
            ):
                self._note(market, event)
                return ()
        return self._run(market, event)

    def due(self, now_ns: int) -> Sequence[VenueReport]:
        """What arrives or is reported by `now_ns`, without a market event."""
        if now_ns < self._due_ns:
            return ()
        return [report for batch in self._arrivals(now_ns) for report in batch]

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up the ledger's balances and positions and every order still working."""
        self._queue.clear()
        self._due_ns = FAR
        for command in restore(self._desk, checkpoint):
            self._push(command.time_ns, command)

    def _run(self, market: MarketState, event: MarketEvent) -> Iterator[Sequence[VenueReport]]:
        yield from self._arrivals(event.received_time_ns)
        if isinstance(event, Bar):
            yield from self._bar(market, event)
            return
        self._at(event.venue_time_ns, event.received_time_ns, self._settings.report_latency_ns)
        self._take_in(market, event)
        market.rewatch()
        yield from self._handed_over(event.received_time_ns)

    def _note(self, market: MarketState, event: MarketEvent) -> None:
        # Nothing of ours can happen: remember what the next order will meet, and be quick.
        if type(event) is TradePrint:
            matching.note_print(market, event)
        elif type(event) is BookDelta:
            market.apply(event)
        else:
            self._take_in(market, event)

    def _take_in(self, market: MarketState, event: MarketEvent) -> None:
        desk, now_ns = self._desk, event.received_time_ns
        match event:
            case Quote():
                self._quoted(market, event)
            case BookDelta():
                market.apply(event)
                matching.on_shown(desk, market, now_ns)
            case TradePrint():
                if not market.doubts(event.price):
                    matching.on_print(desk, market, event)
            case MarkPrice():
                matching.on_mark(desk, market, event)
            case FundingRate():
                matching.on_funding(desk, market, event)
            case _:
                raise AssertionError(f"not a market event: {event!r}")

    def _quoted(self, market: MarketState, quote: Quote) -> None:
        if not sound(quote):
            market.showing = quote  # Nothing can be had there, and nothing triggers by it.
        elif not market.doubts((quote.bid + quote.ask) / 2):
            market.showing = quote
            matching.on_shown(self._desk, market, quote.received_time_ns)

    def _bar(self, market: MarketState, bar: Bar) -> Iterator[Sequence[VenueReport]]:
        if not bars.drives(market, bar):
            return
        match = bars.bar_match(self._desk, market, bar)
        if market.orders or market.position is not None:
            for stage, run in bars.STAGES:
                yield from self._stage(match, stage, run)
            self._staging = None
        bars.close(market, bar)
        market.rewatch()

    def _stage(
        self, match: bars.BarMatch, stage: int, run: bars.Stage
    ) -> Iterator[Sequence[VenueReport]]:
        market, bar = match.market, match.bar
        yield from self._arrivals(bar.received_time_ns)
        happened_ns = bar.open_time_ns if stage == bars.OPEN else bar.venue_time_ns
        self._at(happened_ns, bar.received_time_ns, 0)
        if not market.halted:
            run(match)
        self._staging = (market.id, stage)
        yield from self._handed_over(bar.received_time_ns)

    def _arrivals(self, now_ns: int) -> Iterator[Sequence[VenueReport]]:
        while self._due_ns <= now_ns:
            due_ns, _, item = heappop(self._queue)
            self._due_ns = self._queue[0][0] if self._queue else FAR
            if isinstance(item, SubmitOrder | CancelOrder):
                delay = 0 if self._staging else self._settings.report_latency_ns
                self._at(due_ns, due_ns, delay)
                self._arrive(item)
                yield from self._handed_over(now_ns)
            elif isinstance(item, str):
                self._at(now_ns, now_ns, self._settings.report_latency_ns)
                self._delist(self._markets[item])
                yield from self._handed_over(now_ns)
            else:
                yield [item]

    def _arrive(self, item: SubmitOrder | CancelOrder) -> None:
        if isinstance(item, CancelOrder):
            self._cancel(item)
            return
        desk, order = self._desk, item.order
        market = self._markets.get(order.instrument_id)
        if market is None:
            self._reject(order, "unknown instrument")
            return
        reason = refusal(order, market, desk)
        if reason is not None:
            self._reject(order, reason)
            return
        lock = desk.account.lock_for(order, market)
        ticks = self._settings.trade_through_ticks
        w = working(order, item.time_ns, lock, market.instrument, ticks)
        w.stage = self._stage_of(order.instrument_id)
        desk.accept(w)
        if market.delisted:
            matching.give_away(desk, w)
        matching.meet_shown(desk, w)
        if w.stage == 0 and not w.gone:
            matching.meet_last(desk, w)
        market.rewatch()

    def _reject(self, order: ApprovedOrder, reason: str) -> None:
        outbox = self._desk.outbox
        outbox.ended(OrderRejected, order.client_order_id, order.instrument_id, reason)

    def _cancel(self, item: CancelOrder) -> None:
        w = self._desk.account.orders.get(item.client_order_id)
        if w is not None:
            self._desk.cancel(w, "canceled on request")
            return
        self._desk.outbox.ended(
            CancelRejected, item.client_order_id, item.instrument_id, "unknown or closed order"
        )

    def _delist(self, market: MarketState) -> None:
        for w in list(market.orders):
            self._desk.expire(w, "market is delisted")
        market.rewatch()

    def _send(self, command: SubmitOrder | CancelOrder, instrument_id: InstrumentId) -> None:
        latency = 0 if self._stage_of(instrument_id) else self._settings.latency_ns
        self._push(command.time_ns + latency, command)

    def _stage_of(self, instrument_id: InstrumentId) -> int:
        staging = self._staging
        return staging[1] if staging is not None and staging[0] == instrument_id else 0

    def _push(self, due_ns: int, item: QueueItem) -> None:
        heappush(self._queue, (due_ns, self._queued, item))
        self._queued += 1
        self._due_ns = self._queue[0][0]

    def _at(self, venue_ns: int, received_ns: int, delay_ns: int) -> None:
        self._desk.outbox.venue_ns = venue_ns
        self._desk.outbox.received_ns = received_ns + delay_ns

    def _handed_over(self, now_ns: int) -> Iterator[Sequence[VenueReport]]:
        outbox = self._desk.outbox
        reports, outbox.reports = outbox.reports, []
        ready = [report for report in reports if report.received_time_ns <= now_ns]
        for report in reports:
            if report.received_time_ns > now_ns:
                self._push(report.received_time_ns, report)
        if ready:
            yield ready
