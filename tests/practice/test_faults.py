"""Requests that go wrong: what takes effect, what is answered, and what the client learns."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tradewinds.practice import outages
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.faults import Delay, FaultPlan, Hidden, Late, Lost, Reply, Reset

Play = Callable[..., None]
ORDER = "spot POST /api/v3/order"
LIMIT = {"quantity": "0.01", "price": "59000"}


@pytest.mark.parametrize("reply", outages.ALL, ids=lambda reply: reply.body[:40].decode())
def test_every_outage_is_answered_word_for_word_and_nothing_happens(
    play: Play, reply: Reply
) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(ORDER, reply)
        answer = await caller.order(**LIMIT)
        assert (answer.status, answer.text.encode()) == (reply.status, reply.body)
        assert not venue.spot.exchange.orders
        assert (await caller.order(**LIMIT)).status == 200

    play(scenario)


@pytest.mark.parametrize("executed", [True, False])
def test_a_timeout_of_the_venue_may_or_may_not_have_taken_effect(
    play: Play, executed: bool
) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(ORDER, outages.timeout(executed=executed))
        assert (await caller.order(**LIMIT)).code == -1007
        assert len(venue.spot.exchange.orders) == int(executed)

    play(scenario)


def test_a_hidden_order_appears_when_its_time_has_come(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(ORDER, Hidden(for_s=0.8, reply=outages.timeout()))
        await caller.order(**LIMIT, newClientOrderId="lost")
        asked = {"symbol": "BTCUSDT", "origClientOrderId": "lost"}
        assert (await caller.signed("GET", "/api/v3/order", **asked)).code == -2013
        venue.advance(1)
        assert (await caller.signed("GET", "/api/v3/order", **asked)).json["status"] == "NEW"

    play(scenario)


@pytest.mark.parametrize(("window", "made"), [(5_000, 1), (50, 0)])
def test_a_late_order_takes_effect_only_within_its_time_window(
    play: Play, window: int, made: int
) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(ORDER, Late(after_s=0.1, reply=outages.timeout()))
        await caller.order(**LIMIT, recvWindow=window)
        assert not venue.spot.exchange.orders
        await asyncio.sleep(0.2)
        assert len(venue.spot.exchange.orders) == made

    play(scenario)


def test_a_reset_after_the_body_was_read_leaves_an_order_behind(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(ORDER, Reset())
        with pytest.raises(aiohttp.ClientError):
            await caller.order(**LIMIT)
        assert len(venue.spot.exchange.orders) == 1

    play(scenario)


def test_an_answer_that_never_comes_leaves_an_order_behind(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(ORDER, Lost())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.order(**LIMIT), 0.3)
        assert len(venue.spot.exchange.orders) == 1
        assert venue.record.of("POST /api/v3/order")[0].status == 0

    play(scenario)


def test_a_delayed_answer_lets_the_event_arrive_first(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on("usdm POST /fapi/v1/order", Delay(after_s=0.2))
        name = (await caller.keyed("POST", "/fapi/v1/listenKey")).json["listenKey"]
        address = f"wss://fstream.binance.com/private/ws/{name}"
        async with caller.session.ws_connect(address) as ws:
            placing = asyncio.ensure_future(caller.future(quantity="0.01", price="59000"))
            event = await asyncio.wait_for(ws.receive_json(), 5)
            assert event["e"] == "ORDER_TRADE_UPDATE"
            assert not placing.done()
            assert (await placing).status == 200

    play(scenario)


def test_weight_is_counted_refused_and_banned_and_forgotten(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.spot.desk.limits.weight.limit = 10
        first = await caller.public("/api/v3/depth", symbol="BTCUSDT")
        assert first.headers["X-MBX-USED-WEIGHT-1M"] == "5"
        answers = [await caller.public("/api/v3/depth", symbol="BTCUSDT") for _ in range(6)]
        assert [answer.status for answer in answers] == [200, 429, 429, 429, 418, 418]
        assert answers[1].code == -1003
        assert 1 <= int(answers[1].headers["Retry-After"]) <= 60
        assert int(answers[-1].headers["Retry-After"]) > 100
        venue.advance(121)
        assert (await caller.public("/api/v3/time")).status == 200

    play(scenario)


def test_orders_are_counted_and_a_good_one_costs_no_weight(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        answer = await caller.order(**LIMIT)
        assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "1"
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "0"
        bad = await caller.order(**LIMIT | {"price": "1.001"})
        assert bad.headers["X-MBX-USED-WEIGHT-1M"] == "1"

    play(scenario)


def test_faults_strike_the_websocket_api_too(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on("spot-api time", outages.timeout())
        async with caller.session.ws_connect("wss://ws-api.binance.com:443/ws-api/v3") as ws:
            for status in (504, 200):
                await ws.send_json({"id": 7, "method": "time"})
                answer = await asyncio.wait_for(ws.receive_json(), 5)
                assert (answer["id"], answer["status"]) == (7, status)

    play(scenario)


def test_rules_strike_in_order_by_count_by_time_and_by_the_seed() -> None:
    now = [0]
    clock = VenueClock(monotonic_ns=lambda: now[0])
    plan = FaultPlan(clock, seed=3)
    one, two = Reset(), Lost()
    plan.on("a", one, skip=1)
    plan.lasting("b*", two, seconds=5)
    assert [plan.strike_request("a") for _ in range(3)] == [None, one, None]
    assert plan.strike_request("b1") is two
    now[0] = 6 * 10**9
    assert plan.strike_request("b1") is None
    rolls = []
    for _ in range(2):
        plan = FaultPlan(clock, seed=3)
        plan.on("c", one, times=None, chance=0.5)
        rolls.append([plan.strike_request("c") for _ in range(20)])
    assert rolls[0] == rolls[1]
    assert 0 < rolls[0].count(one) < 20


def test_a_sequence_strikes_call_by_call() -> None:
    plan = FaultPlan(VenueClock())
    one, two = Reset(), Lost()
    plan.sequence("a", one, None, two, None, one)
    assert [plan.strike_request("a") for _ in range(6)] == [one, None, two, None, one, None]


def test_an_overload_can_spare_what_only_reduces(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await caller.future(type="MARKET", quantity="0.01")
        rule = venue.faults.on("usdm POST /fapi/v1/order", outages.OVERLOADED, times=None)
        rule.when = lambda params: params.get("reduceOnly") != "true"
        opening = {"type": "MARKET", "quantity": "0.01"}
        assert (await caller.future(**opening)).code == -1008
        closing = await caller.future(**opening, side="SELL", reduceOnly="true")
        assert closing.json["status"] == "FILLED"

    play(scenario)


WORDS = ("", "BTCUSDT", "nope", "0", "-1", "1e5", "abc", "true", "BUY", "SELL", "LIMIT", "MARKET")
MORE = ("STOP_LOSS", "STOP_MARKET", "GTC", "0.01", "60000", "[1]", "{", "null", "LONG", "é", "%")
NAMES = """symbol symbols side type timeInForce quantity price stopPrice quoteOrderQty
    newClientOrderId orderId origClientOrderId limit fromId startTime endTime interval aboveType
    abovePrice belowType belowStopPrice workingType workingSide pendingSide algoType triggerPrice
    closePosition reduceOnly positionSide leverage marginType amount batchOrders orderIdList
    countdownTime cancelReplaceMode cancelOrderId orderListId algoId incomeType"""


def test_no_nonsense_makes_the_venue_stumble(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        dice, seen = random.Random(7), set()
        for desk in (venue.spot.desk, venue.usdm.desk):
            desk.limits.weight.limit = 10**9
            for what in sorted(desk.endpoints) * 4:
                chosen = dice.sample(NAMES.split(), 8)
                params = {name: dice.choice(WORDS + MORE) for name in chosen}
                answer = await caller.signed(*what.split(), **{"symbol": "BTCUSDT"} | params)
                seen.add(answer.status)
        assert seen <= {200, 400, 401, 409, 429}

    play(scenario)
