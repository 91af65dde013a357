"""Everything at once, by seed: while it lasts nothing is told twice; afterwards all is known."""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.live_rigs import LiveRig, SpotRig, UsdmRig
from tests.contract.rigs import ENDS
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.model import events as ev
from tradewinds.practice import garbage
from tradewinds.practice.faults import Close, Delay, Drop, Duplicate, Hidden, Reply, Reset, Withhold

# Its waits are of the wall's time: it needs the machine for itself.
pytestmark = pytest.mark.serial

D = Decimal
TIMEOUT = b'{"code":-1007,"msg":"Timeout"}'
REQUESTS: list[Any] = [
    Reply(status=408, body=TIMEOUT),
    Reply(status=408, body=TIMEOUT, execute=True),
    Reply(status=502, body=b"<html/>", execute=True),
    Reply(status=500, body=b"<html/>"),
    Reply(status=503, body=b'{"code":-1008,"msg":"overloaded"}'),
    Reset(execute=True),
    Reset(execute=False),
    Hidden(for_s=0.5, reply=Reply(status=408, body=TIMEOUT)),
    Delay(after_s=0.1),
    Delay(before_s=0.1),
]
FRAMES: list[Any] = [
    Drop(), Duplicate(), Withhold(for_s=0.2), Close(code=1006), garbage.TRUNCATED, garbage.A_LIST,
]  # fmt: skip


NAMES = ("newClientOrderId", "clientAlgoId", "workingClientOrderId", "pendingClientOrderId")


def break_things(rig: LiveRig, site: str) -> None:
    """Each request and each frame has its chance to go wrong."""
    faults = rig.practice.faults
    for fault in REQUESTS:
        faults.on(f"{site} POST */*rder*", fault, times=None, chance=0.03)
        faults.on(f"{site} DELETE */*rder*", fault, times=None, chance=0.03)
        faults.on(f"{site} GET */*", fault, times=None, chance=0.01)
    for frame in FRAMES:
        faults.on("*user *", frame, times=None, chance=0.03)


def act(rig: Any, dice: random.Random, orders: list[str]) -> None:
    """Something an engine might do."""
    choice = dice.random()
    if choice < 0.35:
        orders.append(rig.buy("limit", "0.01", price=20_001, tif="ioc"))
    elif choice < 0.5:
        orders.append(rig.sell("market", "0.01"))
    elif choice < 0.58 and isinstance(rig, SpotRig):
        price, tif = dice.choice([(20_001, "ioc"), (19_000, "gtc")])
        orders += rig.bracket("0.01", 18_500, dice.choice([None, 21_000]), price=price, tif=tif)
    elif choice < 0.65:
        orders.append(rig.buy("limit", "0.01", price=dice.choice([19_000, 20_000])))
    elif choice < 0.8:
        orders.append(rig.stop("0.01", dice.choice([18_000, 19_000])))
    elif orders:
        rig.cancel(dice.choice(orders))


def settled(rig: Any, order: str) -> bool:
    """Ended with everything told, or standing at the venue."""
    assert len([word for word in rig.story(order) if word in ENDS]) <= 1, rig.story(order)
    sent = rig.live._desk.get(order)
    return bool(sent.ended or (order in rig.standing() and sent.accepted))


def bought(rig: Any) -> Decimal:
    """Signed sum of all executions told, in reports and readings, each counted once."""
    fills = {r.fill.fill_id: r.fill for r in rig.fills()}
    for state in rig.of(ev.VenueStateRead):
        for fill in state.fills:
            assert fill.fill_id not in {r.fill.fill_id for r in rig.fills()}, "told twice"
            fills[fill.fill_id] = fill
    signed = (f.quantity if f.side == "buy" else -f.quantity for f in fills.values())
    fees = sum((f.fee for f in fills.values() if f.fee_asset == "BTC"), D(0))
    return sum(signed, D(0)) - fees


def untold(rig: Any) -> list[tuple[Any, ...]]:
    """Executions at the venue that nobody told us of, with what was told of their orders."""
    told = {r.fill.fill_id for r in rig.fills()}
    told |= {f.fill_id for s in rig.of(ev.VenueStateRead) for f in s.fills}
    return [
        (order.client_id, order.type, rig.story(order.client_id), rig.reason(order.client_id))
        for order in rig.engine.orders.values()
        for fill in order.fills
        if f"BTCUSDT-{fill.trade_id}-{order.id}" not in told
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [SpotRig, UsdmRig])
def test_after_any_storm_the_venue_and_what_was_told_agree(kind: Any, seed: int) -> None:
    dice = random.Random(seed)
    rig = kind(terms=LiveTerms(tick_s=0.01, look_gap_s=0.5, state_every_s=4, state_every_blind_s=4))
    rig.connect()
    before = rig.held()
    rig.settle()
    break_things(rig, "spot" if kind is SpotRig else "usdm")
    orders: list[str] = []
    for _ in range(40):
        act(rig, dice, orders)
        rig.settle(0.02)
    rig.practice.faults.rules.clear()
    # What the venue hides for half a second must be shown again before we believe minutes passed.
    rig.settle(0.8)
    rig.skip(130)
    rig.until(lambda: all(settled(rig, order) for order in orders), timeout_s=20)
    rig.live.look("the storm is over")
    readings = len(rig.of(ev.VenueStateRead))
    rig.until(lambda: len(rig.of(ev.VenueStateRead)) > readings + 1, timeout_s=20)
    assert bought(rig) == rig.held() - before, untold(rig)
    last = rig.of(ev.VenueStateRead)[-1]
    assert {o.client_order_id for o in last.orders} >= set(rig.standing())
    sent = [r.params for r in rig.practice.record.requests if r.what.startswith("POST")]
    names = [p.get(name) for p in sent for name in NAMES]
    assert {name for name in names if name} <= set(orders)
    rig.close()
