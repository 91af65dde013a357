"""Triangular arbitrage: three trades that end with more of the asset they began with.

Idea: when A/S, B/S and B/A of one venue disagree by more than all costs, going round the
triangle earns the difference. Costs: three taker fees, whatever moves until the legs fill, and
the way back when one of them does not. It loses when others are faster, and when a dollar that
the cycle goes through is none any more; at 10 bps a leg a quiet market shows no edge for days.
"""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from tradewinds.features.depth import Book
from tradewinds.features.microstructure import Moves
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import BookDelta, Quote, Side
from tradewinds.model.signal import BasketSignal, Leg, Sending, Signal
from tradewinds.model.symbols import DOLLARS
from tradewinds.ports import MarketView, Subscription
from tradewinds.strategies.cycle_value import Odds, Road, Round, broken_at_once, round_trip
from tradewinds.strategies.cycles import Edges, find_cycles, path, sells

_INFINITY = float("inf")
_MS = 1_000_000
_BPS = 10_000.0
# The fast check multiplies in another order than the exact one; it may only let more through.
_ROUNDING = 1e-12
DEPTH = 20
"""Levels of a book that are looked at; what lies deeper is not needed for so little money."""

AssetName = Annotated[str, Meta(min_length=1, max_length=20)]


class TriangularParams(Struct, frozen=True, kw_only=True):
    """What is left of an edge after everything must exceed `edge_min_bps`: fees; what moves in
    `latency_ms` a leg by the usual size of moves, `safety_bps` at least; and the way back, which
    `failure_chance` of the cycles must take.

    `assets` and `bridges` limit the cycles where they are not empty: both assets between must be
    in `assets`, at least one in `bridges`. `notional_max` is in the start asset. A dollar further
    than `depeg_max_bps` from the start asset's price, where that is a dollar too, is not touched.
    `legs` that are simultaneous need both assets between in the account's inventory; `auto` sends
    them so where they are there and it pays, and else in sequence where that pays.
    """

    start_asset: AssetName = "USDT"
    assets: tuple[AssetName, ...] = ()
    bridges: tuple[AssetName, ...] = ()
    edge_min_bps: Annotated[float, Meta(ge=0, le=1000)] = 2.0
    safety_bps: Annotated[float, Meta(ge=0, le=1000)] = 2.0
    latency_ms: Annotated[int, Meta(ge=0, le=10_000)] = 150
    failure_chance: Annotated[float, Meta(ge=0, lt=1)] = 0.05
    depeg_max_bps: Annotated[float, Meta(ge=0, le=10_000)] = 50.0
    notional_max: Annotated[float, Meta(gt=0, le=1_000_000)] = 200.0
    cooldown_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 1000
    quote_age_max_ms: Annotated[int, Meta(ge=1, le=60_000)] = 2000
    legs: Literal["sequenced", "simultaneous", "auto"] = "sequenced"


class Triangular:
    """Watches quotes, answers with at most one BasketSignal a quote: the best edge that can be had.

    Each cycle has one hub, its instrument that is in the most cycles. A hub keeps, for every
    cycle, the product of the other two rates, so that its own quote costs one `max`, and a quote
    of the others updates one number per cycle. Nothing is allocated until an edge shows.
    """

    Params: ClassVar[type[Struct]] = TriangularParams

    def __init__(
        self, strategy_id: StrategyId, params: TriangularParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self._params = params
        self._edge_min_bps = params.edge_min_bps + params.safety_bps
        self._product_min = (1.0 + self._edge_min_bps / _BPS) * (1.0 - _ROUNDING)
        cycles = [
            edges
            for edges in find_cycles(instruments, Asset(params.start_asset))
            if _wanted(params, path(instruments, edges))
        ]
        self._rates = [0.0] * (2 * len(instruments))
        self._markets = [_Market(place, each) for place, each in enumerate(instruments)]
        self._connect(
            [_Cycle(each, path(instruments, each), _pegs(instruments, each)) for each in cycles]
        )
        self._by_id = {market.id: market for market in self._markets if market.cycles}

    def subscriptions(self) -> Sequence[Subscription]:
        """Quotes, and books where there are any, of every instrument that is part of a cycle."""
        kinds = (Quote, BookDelta)
        return tuple(
            Subscription(kind=kind, instrument_id=each) for each in self._by_id for kind in kinds
        )

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """Take in a quote; almost always that is all."""
        market = self._by_id.get(event.instrument_id)
        if market is None or not isinstance(event, Quote):
            if market is not None and isinstance(event, BookDelta):
                market.book.apply(event)
            return ()
        market.see(event)
        bid = event.bid
        ask = event.ask
        if 0.0 < bid <= ask < _INFINITY:
            hit = self._touch(market.sell, bid * market.sell_keep)
            if self._touch(market.buy, market.buy_keep / ask) or hit:
                return self._best(market, view)
        else:
            self._forget(market)
        return ()

    def _touch(self, edge: "_Edge", rate: float) -> bool:
        """Take in an edge's rate; whether some cycle through it deserves a closer look."""
        rates = self._rates
        rates[edge.place] = rate
        product_min = self._product_min
        hit = False
        for other, hub, products, slot in edge.spokes:
            products[slot] = product = rate * rates[other]
            if product * rates[hub] > product_min:
                hit = True
        hub_products = edge.products
        if hub_products and rate * max(hub_products) > product_min:
            return True
        return hit

    def _best(self, market: "_Market", view: MarketView) -> Sequence[Signal]:
        now_ns = view.now_ns
        best: _Plan | None = None
        for cycle in market.cycles:
            plan = self._plan(cycle, now_ns)
            if plan is not None and (best is None or plan.value_bps > best.value_bps):
                best = plan
        if best is None:
            return ()
        best.cycle.ready_ns = now_ns + self._params.cooldown_ms * _MS
        return (self._signal(best),)

    def _plan(self, cycle: "_Cycle", now_ns: int) -> "_Plan | None":
        if now_ns < cycle.ready_ns:
            return None
        rates = self._rates
        first, second, third = cycle.edges
        edge_bps = (rates[first] * rates[second] * rates[third] - 1.0) * _BPS
        if edge_bps <= self._edge_min_bps or not self._fresh(cycle, now_ns):
            return None
        return None if self._depegged(cycle) else self._valued(cycle)

    def _fresh(self, cycle: "_Cycle", now_ns: int) -> bool:
        """By the older of both times: a backlog shows prices that are gone.

        A stale quote is forgotten until its next, or a silent market would look like an edge, and
        cost a closer look, for ever.
        """
        oldest_ns = now_ns - self._params.quote_age_max_ms * _MS
        for edge in cycle.edges:
            market = self._markets[edge // 2]
            quote = market.quote
            if quote is None or min(quote.venue_time_ns, quote.received_time_ns) < oldest_ns:
                self._forget(market)
                return False
        return True

    def _forget(self, market: "_Market") -> None:
        self._touch(market.sell, 0.0)
        self._touch(market.buy, 0.0)

    def _depegged(self, cycle: "_Cycle") -> bool:
        """Whether a dollar between has left the start asset's price; its pair is a leg itself."""
        return any(
            abs(self._markets[place].price() - 1.0) * _BPS > self._params.depeg_max_bps
            for place in cycle.pegs
        )

    def _valued(self, cycle: "_Cycle") -> "_Plan | None":
        """Each way that is wanted; where both pay, what pays by both."""
        markets = [self._markets[edge // 2] for edge in cycle.edges]
        roads = [m.road(edge) for m, edge in zip(markets, cycle.edges, strict=True)]
        legs = self._params.legs
        one_by_one = at_once = None
        if legs != "simultaneous":
            one_by_one = self._way(markets, roads, self._odds(markets))
        if legs != "sequenced":
            at_once = self._way(markets, roads, self._odds_at_once(markets))
        if one_by_one is None and at_once is None:
            return None
        if one_by_one is None or at_once is None:
            sending = Sending.SIMULTANEOUS if one_by_one is None else Sending.SEQUENCED
            found = one_by_one or at_once
            assert found is not None
            return _Plan(cycle, *found, sending)
        way = min(one_by_one[0], at_once[0], key=lambda found: found.notional)
        return _Plan(cycle, way, min(one_by_one[1], at_once[1]), Sending.EITHER)

    def _way(
        self, markets: "list[_Market]", roads: Sequence[Road], odds: Odds
    ) -> tuple[Round, float] | None:
        """As much as pays by every leg's depth, and its expected bps; nothing where a leg would be
        below the venue's minimum, or what is left after everything is too little."""
        found = round_trip(roads, self._params.notional_max, odds)
        if found is None or odds.value(found.edge_bps) <= self._params.edge_min_bps:
            return None
        for market, size, price in zip(markets, found.sizes, found.prices, strict=True):
            if size < market.min_quantity or size * price < market.min_notional:
                return None
        return found, odds.value(found.edge_bps)

    def _odds(self, markets: "list[_Market]") -> Odds:
        """The legs go one after the other: each waits for those before it."""
        allowance_bps = self._allowance(markets, range(1, len(markets) + 1))
        back_bps = max(market.back_bps for market in markets)
        way_back_bps = 2.0 * back_bps + allowance_bps
        return Odds(allowance_bps, self._params.failure_chance, way_back_bps)

    def _odds_at_once(self, markets: "list[_Market]") -> Odds:
        """All wait equally long, each may fail by itself, and two that did not are undone."""
        allowance_bps = self._allowance(markets, [1] * len(markets))
        back_bps = max(market.back_bps for market in markets)
        chance = broken_at_once(self._params.failure_chance)
        return Odds(allowance_bps, chance, 4.0 * back_bps + allowance_bps)

    def _allowance(self, markets: "list[_Market]", waits: Sequence[int]) -> float:
        """What usually moves while the legs wait, in bps; `waits` in latencies."""
        latency_ns = self._params.latency_ms * _MS
        moved = (m.moves.variance * wait for m, wait in zip(markets, waits, strict=True))
        return max(self._params.safety_bps, math.sqrt(sum(moved) * latency_ns) * _BPS)

    def _signal(self, plan: "_Plan") -> BasketSignal:
        cycle, way = plan.cycle, plan.way
        start = cycle.assets[0]
        route = ">".join((*cycle.assets, start))
        return BasketSignal(
            strategy_id=self.strategy_id,
            legs=tuple(
                Leg(
                    instrument_id=self._markets[edge // 2].id,
                    side=Side.SELL if sells(edge) else Side.BUY,
                    limit_price=price,
                    size_max=size,
                )
                for edge, size, price in zip(cycle.edges, way.sizes, way.prices, strict=True)
            ),
            start_asset=start,
            notional_max=way.notional,
            edge_bps=way.edge_bps,
            reason=(
                f"edge {way.edge_bps:.2f} bps, {plan.value_bps:.2f} expected after everything,"
                f" size {way.notional:.8g} {start}, {route}"
            ),
            sending=plan.sending,
        )

    def _connect(self, cycles: "list[_Cycle]") -> None:
        for cycle in cycles:
            for edge in cycle.edges:
                self._markets[edge // 2].cycles.append(cycle)
        for cycle in cycles:
            hub = max(cycle.edges, key=lambda edge: len(self._markets[edge // 2].cycles))
            one, other = (edge for edge in cycle.edges if edge != hub)
            products = self._edge(hub).products
            self._edge(one).spokes.append((other, hub, products, len(products)))
            self._edge(other).spokes.append((one, hub, products, len(products)))
            products.append(0.0)

    def _edge(self, edge: int) -> "_Edge":
        market = self._markets[edge // 2]
        return market.sell if sells(edge) else market.buy


class _Edge:
    """One direction of an instrument: its cycles as a spoke, and as a hub the others' products."""

    __slots__ = ("place", "products", "spokes")

    def __init__(self, place: int) -> None:
        self.place = place
        self.spokes: list[tuple[int, int, list[float], int]] = []
        self.products: list[float] = []


class _Market:
    """One instrument's fees, filters, last quote, book and usual moves as plain floats.

    A fee in the received asset leaves (1 - fee) of it; a buyer's fee on top in the quote asset
    makes the same money buy 1 / (1 + fee) as much.
    """

    __slots__ = (
        "book", "buy", "buy_gross", "buy_keep", "cycles", "fee_bps", "id", "min_notional",
        "min_quantity", "moves", "quote", "sell", "sell_keep",
    )  # fmt: skip

    def __init__(self, place: int, instrument: Instrument) -> None:
        fee = float(instrument.taker_fee)
        received = instrument.fee_in_received_asset
        self.id = instrument.id
        self.sell = _Edge(2 * place)
        self.buy = _Edge(2 * place + 1)
        self.fee_bps = max(fee, 0.0) * _BPS
        self.sell_keep = 1.0 - fee
        self.buy_keep = 1.0 - fee if received else 1.0 / (1.0 + fee)
        self.buy_gross = 1.0 / (1.0 - fee) if received else 1.0
        self.min_quantity = float(instrument.min_quantity)
        self.min_notional = float(instrument.min_notional)
        self.quote: Quote | None = None
        self.book = Book()
        self.moves = Moves()
        self.cycles: list[_Cycle] = []

    def see(self, quote: Quote) -> None:
        """Take in a quote; its mid now and then, for the usual size of moves."""
        self.quote = quote
        if quote.received_time_ns >= self.moves.due_ns:
            self.moves.update((quote.bid + quote.ask) * 0.5, quote.received_time_ns)

    def price(self) -> float:
        """The last mid; nil where there is none, which no peg is near."""
        return 0.0 if self.quote is None else (self.quote.bid + self.quote.ask) * 0.5

    @property
    def back_bps(self) -> float:
        """What one fill of a way back costs: its fee and half the spread."""
        quote = self.quote
        assert quote is not None
        return self.fee_bps + (quote.ask - quote.bid) / (quote.ask + quote.bid) * _BPS

    def road(self, edge: int) -> Road:
        """What a taker on this edge meets: the book where it agrees with the quote, else the
        quote alone."""
        quote, selling = self.quote, sells(edge)
        assert quote is not None
        best = (quote.bid, quote.bid_size) if selling else (quote.ask, quote.ask_size)
        levels = self.book.bids(DEPTH) if selling else self.book.asks(DEPTH)
        if not levels or levels[0][0] != best[0]:
            levels = [best] if best[1] > 0.0 else []
        keep, gross = (self.sell_keep, 1.0) if selling else (self.buy_keep, self.buy_gross)
        return Road(selling, levels, keep, gross)


class _Cycle:
    """A round trip and the event time from which it may signal again; `pegs` are the places of
    instruments between two dollars that it goes over."""

    __slots__ = ("assets", "edges", "pegs", "ready_ns")

    def __init__(
        self, edges: Edges, assets: tuple[Asset, Asset, Asset], pegs: tuple[int, ...]
    ) -> None:
        self.edges = edges
        self.assets = assets
        self.pegs = pegs
        self.ready_ns = 0


class _Plan:
    """A cycle worth going round now."""

    __slots__ = ("cycle", "sending", "value_bps", "way")

    def __init__(self, cycle: _Cycle, way: Round, value_bps: float, sending: Sending) -> None:
        self.cycle = cycle
        self.sending = sending
        self.way = way
        self.value_bps = value_bps


def _pegs(instruments: Sequence[Instrument], edges: Edges) -> tuple[int, ...]:
    places = (edge // 2 for edge in edges)
    return tuple(p for p in places if {instruments[p].base, instruments[p].quote} <= DOLLARS)


def _wanted(params: TriangularParams, assets: tuple[Asset, Asset, Asset]) -> bool:
    between = assets[1:]
    allowed = not params.assets or all(asset in params.assets for asset in between)
    return allowed and (not params.bridges or any(asset in params.bridges for asset in between))
