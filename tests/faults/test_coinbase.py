"""Rows B19 to B21 and C7 of the scorecard, with the engine on Coinbase of the practice venue."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from tests.contract.coinbase_rig import CoinbaseRig, coinbase_instrument
from tests.faults.coinbase_floor import opened_coinbase
from tests.faults.live_floor import LiveFloor
from tests.gateways.scripted import Hand
from tradewinds.gateways.coinbase_orders import CoinbaseDialect
from tradewinds.gateways.user_stream import StreamEdge
from tradewinds.gateways.user_stream_coinbase import SILENT_S
from tradewinds.model.errors import ConfigError
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentStatus
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.practice.coinbase.parsing import KINDS
from tradewinds.practice.coinbase.products import product
from tradewinds.practice.faults import Close, Drop, Garble, Lost, Queued, Reply, Silence
from tradewinds.practice.listing import Listing
from tradewinds.practice.market import Market
from tradewinds.practice.presets import coinbase_listings

STOP_KINDS = {"stop_limit_stop_limit_gtc", "stop_limit_stop_limit_gtd"}
REFUSED = {
    "success": False,
    "failure_reason": "UNKNOWN_FAILURE_REASON",
    "order_id": "",
    "error_response": {
        "error": "UNKNOWN_FAILURE_REASON",
        "message": "",
        "error_details": "",
        "new_order_failure_reason": "INELIGIBLE_PAIR",
    },
}


@pytest.fixture
def floor() -> Iterator[LiveFloor]:
    with opened_coinbase() as made:
        yield made


def stream(floor: LiveFloor) -> Any:
    return floor.rig.live.stream


def selling(params: Any) -> bool:
    return bool(json.loads(params["body"])["side"] == "SELL")


def well_again(floor: LiveFloor) -> None:
    """Connected, reconciled, trading; and what is held can be closed."""
    floor.rig.practice.faults.clear()
    floor.until(lambda: stream(floor).up and floor.state is TradingState.ACTIVE)
    if not floor.flat():
        floor.emergency()
        floor.until(floor.flat)
    floor.check()


def refusals_of(floor: LiveFloor) -> list[Any]:
    """What we are told from now on that makes us hold back."""
    limit, heard = floor.rig.client.limit, []
    take = limit.trouble

    def hear(*told: Any) -> Any:
        heard.append(told)
        return take(*told)

    limit.trouble = hear
    return heard


def test_b19_a_refusal_inside_a_200_is_the_end_of_the_order(floor: LiveFloor) -> None:
    floor.rig.fault(floor.rig.place, Reply(status=200, body=json.dumps(REFUSED).encode()))
    floor.enter()
    floor.until(lambda: bool(floor.submitted(Purpose.ENTER)))
    entry = floor.submitted(Purpose.ENTER)[0].client_order_id
    floor.until(lambda: floor.rig.story(entry) == ["rejected"])
    assert "INELIGIBLE_PAIR" in floor.rig.reason(entry)
    floor.settle()
    assert len(floor.rig.bought_by()) == 1, "never sent again"
    well_again(floor)


def test_b19_a_stop_that_is_refused_so_closes_the_position(floor: LiveFloor) -> None:
    fault = Reply(status=200, body=json.dumps(REFUSED).encode())
    floor.rig.fault(floor.rig.place, fault).when = selling
    floor.enter()
    floor.until(lambda: len(floor.rig.ordered()) >= 3)
    floor.until(floor.flat)
    configured = [next(iter(body["order_configuration"])) for body in floor.rig.bodies()]
    assert configured[1:3] == ["stop_limit_stop_limit_gtc", "market_market_ioc"]
    well_again(floor)


def test_b20_our_name_and_the_right_direction_arrive(floor: LiveFloor) -> None:
    floor.bought()
    entry, stop = floor.rig.bodies()
    names = [order.client_order_id for order in floor.submitted()]
    assert [entry["client_order_id"], stop["client_order_id"]] == names
    assert {order.client_id for order in floor.rig.taken()} == set(names)
    fields = stop["order_configuration"]["stop_limit_stop_limit_gtc"]
    assert (stop["side"], fields["stop_direction"]) == ("SELL", "STOP_DIRECTION_STOP_DOWN")
    assert fields["stop_price"] == "19700"
    floor.move(19_690.0, 19_692.0)
    floor.until(floor.flat)
    floor.check()


def test_b21_a_token_that_ran_out_in_a_queue_is_made_anew_once(floor: LiveFloor) -> None:
    floor.rig.fault(floor.rig.place, Queued(for_s=130))
    floor.bought()
    assert floor.rig.practice.coinbase.tokens.refused == ["it expired 10 s ago"]
    assert [asked.status for asked in floor.rig.ordered()] == [401, 200, 200]
    assert len(floor.rig.bought_by()) == 2
    bought = [order for order in floor.rig.taken() if order.side == "buy"]
    assert len(bought) == 1
    well_again(floor)


def test_b21_tokens_that_always_run_out_stop_entries_and_not_the_stop(floor: LiveFloor) -> None:
    floor.bought()
    refusals = refusals_of(floor)
    floor.rig.fault("coinbase *", Queued(for_s=130), times=None)
    floor.rig.live.look("the test wants one")
    floor.until(lambda: floor.state is not TradingState.ACTIVE)
    assert len(floor.rig.standing()) == 1
    # The new token is refused as well: were that only after the pause, it would begin anew.
    floor.until(lambda: len(refusals) >= 2)
    floor.rig.practice.faults.clear()
    floor.rig.skip(120)
    floor.until(lambda: floor.state is TradingState.ACTIVE, timeout_s=15)
    well_again(floor)


def test_b21_an_error_on_the_user_stream_leads_to_a_new_one_and_a_reading(floor: LiveFloor) -> None:
    """Instead of the stop's fill; after it nothing comes any more, so that no number is missed."""
    floor.bought()
    read = floor.readings()
    struck = floor.rig.practice.faults.struck
    floor.rig.fault("coinbase-user heartbeats", Silence())
    floor.until(lambda: bool(struck))
    error = b'{"type":"error","message":"authentication failure"}'
    floor.rig.fault(floor.rig.told, Garble(frame=error))
    floor.rig.fault(floor.rig.told, Silence())
    began = time.monotonic()
    floor.move(19_690.0, 19_692.0)
    floor.until(lambda: stream(floor).rotations == 1 and floor.readings() > read)
    assert time.monotonic() - began < SILENT_S, "by the error, not by the silence after it"
    floor.until(floor.flat)
    well_again(floor)


def test_b21_a_subscription_that_is_refused_is_tried_again(floor: LiveFloor) -> None:
    key = floor.rig.key
    floor.bought()
    key.revoked = True
    connects = stream(floor).connects
    floor.rig.fault("coinbase-user heartbeats", Close(code=1006))
    floor.until(lambda: stream(floor).connects > connects and not stream(floor).up)
    floor.until(lambda: floor.state is not TradingState.ACTIVE)
    key.revoked = False
    floor.rig.skip(120)
    floor.until(lambda: stream(floor).up and floor.state is TradingState.ACTIVE, timeout_s=15)
    well_again(floor)


def test_c7_a_gap_in_the_user_stream_is_seen_and_the_lost_fill_booked(floor: LiveFloor) -> None:
    floor.bought()
    floor.rig.fault(floor.rig.told, Drop(), times=2)
    floor.move(19_690.0, 19_692.0)
    floor.until(lambda: stream(floor).rotations == 1)
    assert stream(floor).losses == 0, "a new connection first"
    floor.until(floor.flat)
    well_again(floor)


def test_c7_heartbeats_that_stop_make_the_user_stream_anew() -> None:
    hand = Hand()
    edge = StreamEdge(now_s=hand.now_s, tick_s=0.02, overlap_s=0.1)
    with opened_coinbase(edge=edge) as floor:
        floor.bought()
        floor.rig.fault("coinbase-user *", Silence())
        floor.until(lambda: bool(floor.rig.practice.faults.struck))
        floor.move(19_690.0, 19_692.0)
        floor.settle()
        hand.ahead_s += 11.0
        floor.until(lambda: stream(floor).connects == 2)
        floor.until(floor.flat)
        well_again(floor)


def test_b2_an_answer_that_never_comes_is_asked_for_by_our_name(floor: LiveFloor) -> None:
    """Nothing relies on the venue's keeping names unique."""
    floor.rig.practice.coinbase.orders.unique_ids = False
    floor.rig.exchange.timeout = 300
    floor.rig.fault(floor.rig.place, Lost(execute=True))
    floor.bought()
    assert len(floor.rig.bought_by()) == 1
    well_again(floor)


def test_an_order_of_nobody_is_canceled_by_our_name() -> None:
    rig = CoinbaseRig()
    try:
        rig.connect()
        order = rig.buy("limit", "0.01", price=19_000, name="tw-old-1")
        rig.until(lambda: rig.standing() == [order])
        rig.restart()
        read = rig.read_state()
        assert [row.client_order_id for row in read.orders] == ["tw-old-1"]
        rig.start()
        rig.cancel(order)
        rig.until(lambda: rig.standing() == [])
    finally:
        rig.close()


def test_where_no_stop_is_taken_nothing_is_traded() -> None:
    rig = CoinbaseRig(accepted=set(KINDS) - STOP_KINDS)
    try:
        with pytest.raises(ConfigError, match="PREVIEW_INVALID_ORDER_CONFIG"):
            rig.do(rig.live.connect())
    finally:
        rig.close()


def test_a_market_that_takes_no_stop_can_only_be_closed() -> None:
    listed = [market for market in coinbase_listings() if market.quote == "USD"]
    instruments = [instrument_of(listing) for listing in listed]
    dialect = CoinbaseDialect(instruments)
    fine, odd = {"errs": ["PREVIEW_INSUFFICIENT_FUND"]}, {"errs": ["PREVIEW_SOMETHING_NEW"]}
    assert dialect.flaw([{"can_trade": True}, fine, odd]) == ""
    told = {"products": [product(Market(listing)) for listing in listed]}
    states = [instrument.status for instrument in dialect.listed(told)]
    assert states == [InstrumentStatus.TRADING, InstrumentStatus.CLOSE_ONLY]
    assert dialect.flaw([{"can_trade": True}, fine, fine]) == ""
    assert {each.status for each in dialect.listed(told)} == {InstrumentStatus.TRADING}


def instrument_of(listing: Listing) -> Instrument:
    symbol = f"{listing.base}/{listing.quote}"
    return structs.replace(
        coinbase_instrument(),
        id=InstrumentId(f"{symbol}@coinbase"),
        symbol=symbol,
        base=Asset(listing.base),
        quote=Asset(listing.quote),
    )
