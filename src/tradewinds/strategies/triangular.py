"""Triangular arbitrage: three trades that end with more of the asset they began with.

Idea: when A/S, B/S and B/A of one venue disagree by more than all costs, going round the
triangle earns the difference. Costs: three taker fees, and whatever moves between seeing the
quotes and filling the legs, for which `safety_bps` stands. It loses when a leg fills late, in
part or not at all; others are faster; at 10 bps a leg a quiet market shows no edge for days.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.signal import BasketSignal, Leg, Signal
from tradewinds.ports import MarketView, Subscription
from tradewinds.strategies.cycles import Edges, find_cycles, path, sells

_INFINITY = float("inf")
_MS = 1_000_000
_BPS = 10_000.0
# The fast check multiplies in another order than the exact one; it may only let more through.
_ROUNDING = 1e-12

AssetName = Annotated[str, Meta(min_length=1, max_length=20)]


class TriangularParams(Struct, frozen=True, kw_only=True):
    """An edge must exceed `edge_min_bps` + `safety_bps` after fees.

    `assets` and `bridges` limit the cycles where they are not empty: both assets between must be
    in `assets`, at least one in `bridges`. `notional_max` is in the start asset.
    """

    start_asset: AssetName = "USDT"
    assets: tuple[AssetName, ...] = ()
    bridges: tuple[AssetName, ...] = ()
    edge_min_bps: Annotated[float, Meta(ge=0, le=1000)] = 2.0
    safety_bps: Annotated[float, Meta(ge=0, le=1000)] = 3.0
    notional_max: Annotated[float, Meta(gt=0, le=1_000_000)] = 200.0
    cooldown_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 1000
    quote_age_max_ms: Annotated[int, Meta(ge=1, le=60_000)] = 2000


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
        self._connect([_Cycle(edges, path(instruments, edges)) for edges in cycles])
        self._by_id = {market.id: market for market in self._markets if market.cycles}

    def subscriptions(self) -> Sequence[Subscription]:
        """Quotes of every instrument that is part of a cycle."""
        return tuple(Subscription(kind=Quote, instrument_id=each) for each in self._by_id)

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """Take in a quote; almost always that is all."""
        if not isinstance(event, Quote):
            return ()
        market = self._by_id.get(event.instrument_id)
        if market is None:
            return ()
        market.quote = event
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
            if plan is not None and (best is None or plan.edge_bps > best.edge_bps):
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
        return self._sized(cycle, edge_bps)

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

    def _sized(self, cycle: "_Cycle", edge_bps: float) -> "_Plan | None":
        """As much as every leg shows, and nothing where a leg would be below the venue's minimum.

        `unit` is a leg's base quantity for one unit of the start asset.
        """
        amount, notional, smallest = 1.0, self._params.notional_max, 0.0
        units = []
        for edge in cycle.edges:
            market = self._markets[edge // 2]
            rate = self._rates[edge]
            unit = amount if sells(edge) else amount * rate * market.buy_gross
            price, shown = market.touch(edge)
            if not shown > 0.0:
                return None
            notional = min(notional, shown / unit)
            smallest = max(smallest, market.min_quantity / unit, market.min_notional / unit / price)
            units.append(unit)
            amount *= rate
        if notional < smallest:
            return None
        return _Plan(cycle, edge_bps, notional, units)

    def _signal(self, plan: "_Plan") -> BasketSignal:
        cycle = plan.cycle
        start = cycle.assets[0]
        route = ">".join((*cycle.assets, start))
        return BasketSignal(
            strategy_id=self.strategy_id,
            legs=tuple(
                self._leg(edge, plan.notional * unit)
                for edge, unit in zip(cycle.edges, plan.units, strict=True)
            ),
            start_asset=start,
            notional_max=plan.notional,
            edge_bps=plan.edge_bps,
            reason=f"edge {plan.edge_bps:.2f} bps, size {plan.notional:.8g} {start}, {route}",
        )

    def _leg(self, edge: int, size: float) -> Leg:
        market = self._markets[edge // 2]
        return Leg(
            instrument_id=market.id,
            side=Side.SELL if sells(edge) else Side.BUY,
            limit_price=market.touch(edge)[0],
            size_max=size,
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
    """One instrument's fees, filters and last quote as plain floats.

    A fee in the received asset leaves (1 - fee) of it; a buyer's fee on top in the quote asset
    makes the same money buy 1 / (1 + fee) as much.
    """

    __slots__ = (
        "buy",
        "buy_gross",
        "buy_keep",
        "cycles",
        "id",
        "min_notional",
        "min_quantity",
        "quote",
        "sell",
        "sell_keep",
    )

    def __init__(self, place: int, instrument: Instrument) -> None:
        fee = float(instrument.taker_fee)
        received = instrument.fee_in_received_asset
        self.id = instrument.id
        self.sell = _Edge(2 * place)
        self.buy = _Edge(2 * place + 1)
        self.sell_keep = 1.0 - fee
        self.buy_keep = 1.0 - fee if received else 1.0 / (1.0 + fee)
        self.buy_gross = 1.0 / (1.0 - fee) if received else 1.0
        self.min_quantity = float(instrument.min_quantity)
        self.min_notional = float(instrument.min_notional)
        self.quote: Quote | None = None
        self.cycles: list[_Cycle] = []

    def touch(self, edge: int) -> tuple[float, float]:
        """Price and shown size (base asset) that a taker on this edge meets."""
        quote = self.quote
        assert quote is not None
        return (quote.bid, quote.bid_size) if sells(edge) else (quote.ask, quote.ask_size)


class _Cycle:
    """A round trip and the event time from which it may signal again."""

    __slots__ = ("assets", "edges", "ready_ns")

    def __init__(self, edges: Edges, assets: tuple[Asset, Asset, Asset]) -> None:
        self.edges = edges
        self.assets = assets
        self.ready_ns = 0


class _Plan:
    """A cycle worth going round now."""

    __slots__ = ("cycle", "edge_bps", "notional", "units")

    def __init__(self, cycle: _Cycle, edge_bps: float, notional: float, units: list[float]) -> None:
        self.cycle = cycle
        self.edge_bps = edge_bps
        self.notional = notional
        self.units = units


def _wanted(params: TriangularParams, assets: tuple[Asset, Asset, Asset]) -> bool:
    between = assets[1:]
    allowed = not params.assets or all(asset in params.assets for asset in between)
    return allowed and (not params.bridges or any(asset in params.bridges for asset in between))
