"""Conservation is law: whatever orders and prices come, no money appears or disappears."""

from collections import defaultdict
from decimal import Decimal as Dec
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewinds.model.events import FundingPaid, OrderFilled
from tradewinds.model.market import Side
from tradewinds.model.order import OrderType

TICK = 0.5
PRICED = {"limit", "stop_limit", "take_profit_limit"}
PLAIN = {"market", "limit"}

price = st.integers(160, 240).map(lambda n: n * TICK)
size = st.sampled_from([0.0, 0.25, 1.0, 2.5, 40.0])


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from([k.value for k in OrderType]))
    fields: dict[str, Any] = {
        "side": draw(st.sampled_from(Side)),
        "kind": kind,
        "quantity": draw(st.integers(1, 16)) * Dec("0.25"),
        "tif": draw(st.sampled_from(["gtc", "gtc", "ioc", "fok"])),
        "oco_group": draw(st.sampled_from(["", "", "g", "h"])),
        "reduce_only": draw(st.sampled_from([False, False, True])),
        "leverage": draw(st.sampled_from([1, 3, 20])),
    }
    if kind in PRICED:
        fields["price"] = draw(price)
    if kind not in PLAIN:
        fields["trigger_price"] = draw(price)
    fields["post_only"] = kind == "limit" and draw(st.booleans())
    return "order", fields


@st.composite
def market_moves(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    low, high = sorted((draw(price), draw(price)))
    inner = st.floats(low, high)
    return draw(
        st.sampled_from(
            [
                (
                    "quote",
                    {"bid": low, "ask": high, "bid_size": draw(size), "ask_size": draw(size)},
                ),
                ("print", {"price": low, "size": draw(size)}),
                (
                    "bar",
                    {"prices": (draw(inner), high, low, draw(inner)), "volume": 20 * draw(size)},
                ),
                ("book", {"bids": [(low, draw(size))], "asks": [(high, draw(size))]}),
                ("mark", {"price": high}),
                ("funding", {"rate": draw(st.sampled_from([-0.02, 0.0001, 0.02]))}),
            ]
        )
    )


cancels = st.integers(1, 12).map(lambda n: ("cancel", {"name": f"tw-{n}"}))
script = st.lists(st.one_of(market_moves(), market_moves(), orders(), cancels), max_size=30)
answers = st.lists(orders(), max_size=6)


class Witness:
    """Rebuilds from the reports alone what the venue must hold."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.orders: dict[str, Any] = {}
        self.held: dict[str, Dec] = defaultdict(Dec, rig.start)
        self.filled: dict[str, Dec] = defaultdict(Dec)
        self.position = Dec(0)
        self.flow = Dec(0)
        self.groups: dict[str, str] = {}
        self.lows: list[float] = []
        self.highs: list[float] = []
        self.seen: set[str] = set()
        self.whole: set[str] = set()

    def submitted(self, name: str, fields: dict[str, Any]) -> None:
        self.orders[name] = fields

    def moved(self, kind: str, values: dict[str, Any]) -> None:
        low, high = {
            "quote": lambda v: (v["ask"], v["bid"]),
            "print": lambda v: (v["price"], v["price"]),
            "bar": lambda v: (v["prices"][2], v["prices"][1]),
            "book": lambda v: (v["asks"][0][0], v["bids"][0][0]),
        }.get(kind, lambda _: (float("inf"), 0.0))(values)
        self.lows.append(low)
        self.highs.append(high)

    def reported(self, report: Any) -> None:
        if isinstance(report, FundingPaid):
            self.held["USDT"] += report.amount
        if isinstance(report, OrderFilled):
            assert report.fill.fill_id not in self.seen
            self.seen.add(report.fill.fill_id)
            self._executed(report.fill)

    def _executed(self, fill: Any) -> None:
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        before = self.position
        self.position += signed
        self.held[fill.fee_asset] -= fill.fee
        if self.rig.instrument.kind == "spot":
            self.held["USDT"] -= signed * fill.price
            self.held["BTC"] += signed
        else:
            self.flow -= signed * fill.price
        if not fill.venue_initiated:
            self._kept_its_word(fill, before)

    def _kept_its_word(self, fill: Any, before: Dec) -> None:
        order = self.orders[fill.client_order_id]
        self.filled[fill.client_order_id] += fill.quantity
        assert self.filled[fill.client_order_id] <= order["quantity"]
        if order["oco_group"]:
            winner = self.groups.setdefault(order["oco_group"], fill.client_order_id)
            assert winner == fill.client_order_id
        if order["reduce_only"] and self.rig.instrument.kind == "perpetual":
            assert abs(self.position) < abs(before)
        if (
            order["tif"] == "fok"
            and self.rig.instrument.kind == "spot"
            and not order["reduce_only"]
        ):
            self.whole.add(fill.client_order_id)
        buying = fill.side is Side.BUY
        if "price" in order:
            limit = Dec(str(order["price"]))
            assert fill.price <= limit if buying else fill.price >= limit
        if fill.maker:
            assert fill.price == limit
            assert min(self.lows[-1:]) < limit if buying else max(self.highs[-1:]) > limit
        else:
            best = min(self.lows) if buying else max(self.highs)
            assert fill.price >= Dec(str(best)) if buying else fill.price <= Dec(str(best))

    def agree(self) -> None:
        venue = self.rig.venue
        cost = sum((p.cost for p in venue.positions.values()), Dec(0))
        margins = sum((p.margin for p in venue.positions.values()), Dec(0))
        for asset in ("USDT", "BTC"):
            own = self.flow + cost if asset == "USDT" else Dec(0)
            assert venue.balances.get(asset, Dec(0)) == self.held[asset] + own
            posted = margins if asset == "USDT" else Dec(0)
            assert 0 <= venue.locked(asset) + posted <= venue.balances.get(asset, Dec(0))
            assert venue.free(asset) >= 0
        if self.rig.instrument.kind == "perpetual":
            assert sum((p.quantity for p in venue.positions.values()), Dec(0)) == self.position
        for name in self.whole:
            assert self.filled[name] == self.orders[name]["quantity"]


class Player:
    """Runs a script on a rig; every fill is answered with the next of `replies`."""

    def __init__(self, rig: Any, replies: Any) -> None:
        self.rig = rig
        self.witness = Witness(rig)
        self.waiting = list(replies)
        rig.react = self.react

    def send(self, fields: dict[str, Any]) -> None:
        self.witness.submitted(f"tw-{self.rig.sent + 1}", fields)
        rest = dict(fields)
        self.rig.order(rest.pop("side"), rest.pop("kind"), rest.pop("quantity"), **rest)

    def react(self, report: Any) -> None:
        self.witness.reported(report)
        if isinstance(report, OrderFilled) and self.waiting:
            self.send(self.waiting.pop(0)[1])

    def step(self, kind: str, values: dict[str, Any]) -> None:
        if kind == "order":
            self.send(values)
        elif kind == "cancel":
            self.rig.cancel(values["name"])
        else:
            self.witness.moved(kind, values)
            getattr(self.rig, kind)(**values)

    def wait(self) -> None:
        self.rig.now += 10**10
        for report in self.rig.due():
            self.witness.reported(report)

    def cancel_all(self) -> None:
        self.wait()
        for order in self.rig.venue.working_orders():
            self.rig.cancel(order.client_order_id)
        self.wait()


def play(rig: Any, steps: Any, replies: Any) -> bytes:
    """Run the script with every law checked after every step; answers all reports as bytes."""
    player = Player(rig, replies)
    for kind, values in steps:
        player.step(kind, values)
        player.witness.agree()
    player.cancel_all()
    player.witness.agree()
    assert rig.venue.locked("USDT") == rig.venue.locked("BTC") == 0
    assert not rig.venue.working_orders()
    return msgspec.json.encode([msgspec.structs.asdict(r) for r in rig.log])


relaxed = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def instrument_and_money(kit: Any, spot: bool) -> tuple[Any, dict[str, Dec]]:
    filters = {"tick_size": Dec("0.5"), "lot_size": Dec("0.25"), "min_quantity": Dec("0.25")}
    if spot:
        return kit.spot(**filters), {"USDT": Dec(700), "BTC": Dec(5)}
    return kit.perpetual(**filters), {"USDT": Dec(70)}


@given(steps=script, replies=answers, latency=st.sampled_from([0, 1_500_000_000]))
@relaxed
def test_spot_conserves_money_and_keeps_every_promise(kit, steps, replies, latency):
    play(kit.Rig(*instrument_and_money(kit, True), latency_ns=latency), steps, replies)


@given(steps=script, replies=answers, latency=st.sampled_from([0, 1_500_000_000]))
@relaxed
def test_a_perpetual_conserves_money_and_keeps_every_promise(kit, steps, replies, latency):
    play(kit.Rig(*instrument_and_money(kit, False), latency_ns=latency), steps, replies)


@given(steps=script, replies=answers, spot=st.booleans())
@settings(max_examples=50, deadline=None)
def test_the_same_inputs_give_the_same_reports(kit, steps, replies, spot):
    first, second = (
        play(kit.Rig(*instrument_and_money(kit, spot)), steps, replies) for _ in range(2)
    )
    assert first == second
