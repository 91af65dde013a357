"""Two wallets of one account: what lies in one of them is not spent in the other."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.rigs import BTC, USDT, perpetual_instrument, spot_instrument
from tests.faults.conftest import Rig
from tests.gateways.test_purse import fill, order
from tradewinds.engine.purses import Purses
from tradewinds.execution.order_manager import OrderManager
from tradewinds.model import events as ev
from tradewinds.model.ids import Asset, FillId
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import Purpose

D = Decimal
SPOT, PERPETUAL = InstrumentKind.SPOT, InstrumentKind.PERPETUAL
COIN, FUTURE = spot_instrument(), perpetual_instrument()


def reading(**free: Any) -> ev.VenueStateRead:
    wallets = {InstrumentKind(kind): {USDT: D(amount)} for kind, amount in free.items()}
    return ev.VenueStateRead(
        balances={},
        orders=(),
        positions=(),
        fills=(),
        free=wallets,
        venue_time_ns=1,
        received_time_ns=1,
    )


def left(purses: Purses, kind: InstrumentKind, orders: OrderManager | None = None) -> Decimal:
    return purses.cap({USDT: D(1000)}, kind, orders or OrderManager())[USDT]


def test_where_one_wallet_holds_everything_the_books_are_right() -> None:
    purses = Purses()
    purses.told(reading())
    purses.moved(order(), COIN)
    assert left(purses, SPOT) == 1000


def test_each_wallet_pays_for_its_own_and_a_part_reading_tells_of_one() -> None:
    purses = Purses()
    purses.told(reading(spot=700, perpetual=300))
    assert (left(purses, SPOT), left(purses, PERPETUAL)) == (700, 300)
    purses.told(reading(perpetual=250))
    assert (left(purses, SPOT), left(purses, PERPETUAL)) == (700, 250)
    assert purses.cap({BTC: D(1)}, SPOT, OrderManager()) == {BTC: D(0)}


def test_what_was_sent_is_spent_until_it_ends_or_is_read() -> None:
    purses, orders = Purses(), OrderManager()
    purses.told(reading(spot=100, perpetual=100))
    sent = order(quantity=D("0.001"), price=D(20_000))
    orders.submitted(sent, 1)
    purses.moved(sent, COIN)
    assert left(purses, SPOT, orders) == 80
    assert left(purses, PERPETUAL, orders) == 100
    times = {"venue_time_ns": 2, "received_time_ns": 2}
    ended = ev.OrderRejected(
        client_order_id=sent.client_order_id, instrument_id=COIN.id, reason="", **times
    )
    orders.apply(ended)
    assert left(purses, SPOT, orders) == 100
    second = order(2, quantity=D("0.001"), price=D(20_000))
    orders.submitted(second, 3)
    purses.moved(second, COIN)
    purses.told(reading(spot=60))
    assert left(purses, SPOT, orders) == 60, "a reading has left out what the order locks"


def test_a_close_spends_nothing_and_a_sale_brings_its_money_at_once() -> None:
    purses = Purses()
    purses.told(reading(spot=10))
    purses.moved(order(side=Side.SELL, purpose=Purpose.EXIT), COIN)
    assert left(purses, SPOT) == 10
    purses.moved(fill(), COIN)
    assert left(purses, SPOT) == D("29.98")
    purses.moved(fill(fill_id=FillId("g"), instrument_id=FUTURE.id), FUTURE)
    assert left(purses, SPOT) == D("29.98")


amounts = st.integers(0, 500)


@given(amounts, amounts, st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=8))
def test_never_more_than_the_books_nor_than_the_wallet(
    spot: int, perpetual: int, sent: list[tuple[bool, int]]
) -> None:
    purses, orders = Purses(), OrderManager()
    purses.told(reading(spot=spot, perpetual=perpetual))
    for number, (on_spot, size) in enumerate(sent):
        instrument = COIN if on_spot else FUTURE
        each = order(number, instrument_id=instrument.id, quantity=D(size) / 1000)
        orders.submitted(each, number)
        purses.moved(each, instrument)
    books = {USDT: D(spot + perpetual), Asset("X"): D(1)}
    for kind, told in ((SPOT, spot), (PERPETUAL, perpetual)):
        capped = purses.cap(dict(books), kind, orders)
        assert set(capped) == set(books)
        assert capped[USDT] <= min(books[USDT], told)


def test_the_engine_sizes_by_the_wallet_that_pays() -> None:
    rig = Rig()
    rig.quote()
    floor = rig.engine.floor
    wide = floor.risk_view(rig.strategy.strategy_id, None, Side.BUY).free[USDT]
    rig.pass_time(11)
    rig.inject(replace(reading(spot=30), balances={USDT: wide}, received_time_ns=rig.now))
    rig.quote()
    rig.enter()
    rig.quote()
    (sent,) = rig.submitted(Purpose.ENTER)
    assert sent.price is not None
    assert 0 < sent.quantity * sent.price <= 30
    assert floor.risk_view(rig.strategy.strategy_id, None, Side.BUY).free[USDT] < 10
