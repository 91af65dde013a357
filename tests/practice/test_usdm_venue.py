"""What the USD-M venue accepts, refuses and does by itself."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

Play = Callable[..., None]
ONE = {"symbol": "BTCUSDT"}


async def long(caller: Any, quantity: str = "0.01") -> None:
    assert (await caller.future(type="MARKET", quantity=quantity)).status == 200


async def isolated(caller: Any, leverage: int = 5) -> None:
    await caller.signed("POST", "/fapi/v1/marginType", marginType="ISOLATED", **ONE)
    await caller.signed("POST", "/fapi/v1/leverage", leverage=leverage, **ONE)


REFUSED = [
    ({"quantity": "0.01", "price": "59000.05"}, -4014),
    ({"quantity": "0.0105", "price": "59000"}, -1111),
    ({"quantity": "0.001", "price": "59000"}, -4164),
    ({"quantity": "0.01", "price": "70000"}, -4016),
    ({"quantity": "1", "price": "59000"}, -2019),
    ({"type": "MARKET", "quantity": "200"}, -4005),
    ({"type": "STOP_MARKET", "side": "SELL", "stopPrice": "58000", "quantity": "0.01"}, -4120),
    ({"quantity": "0.01", "price": "60001", "timeInForce": "GTX"}, -5022),
    ({"quantity": "0.01", "price": "59000", "timeInForce": "FOK"}, -5021),
    ({"type": "MARKET", "side": "SELL", "quantity": "0.01", "reduceOnly": "true"}, -2022),
    ({"type": "MARKET", "quantity": "0.01", "positionSide": "LONG"}, -4061),
]


@pytest.mark.parametrize(("order", "code"), REFUSED)
def test_an_order_that_breaks_a_rule_is_refused(
    play: Play, order: dict[str, str], code: int
) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        answer = await caller.future(**order)
        assert (answer.status, answer.code) == (400, code)
        assert not venue.usdm.exchange.orders

    play(scenario)


def test_resting_reducers_block_a_close_until_they_are_gone(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await long(caller)
        target = {"side": "SELL", "reduceOnly": "true", "quantity": "0.01"}
        assert (await caller.future(price="62000", **target)).status == 200
        assert (await caller.future(type="MARKET", **target)).code == -4118
        await caller.signed("DELETE", "/fapi/v1/allOpenOrders", **ONE)
        assert (await caller.future(type="MARKET", **target)).json["status"] == "FILLED"
        # Nothing is left to reduce: a second close cannot open the other side.
        assert (await caller.future(type="MARKET", **target)).code == -2022
        assert not venue.usdm.owner(caller.key.account).open_positions()

    play(scenario)


def test_a_closing_stop_adapts_to_the_position_and_its_child_is_found(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await long(caller)
        made = (await caller.stop(triggerPrice="58000", closePosition="true")).json
        again = await caller.stop(triggerPrice="57000", closePosition="true")
        assert again.code == -4130
        await long(caller, "0.005")
        venue.usdm.move("BTCUSDT", "57900")
        algo = venue.usdm.algos.all[made["algoId"]]
        assert (algo.status, algo.order.filled) == ("FINISHED", Decimal("0.015"))
        asked = await caller.signed("GET", "/fapi/v1/algoOrder", algoId=made["algoId"])
        child = asked.json["actualOrderId"]
        found = await caller.signed("GET", "/fapi/v1/order", orderId=child, **ONE)
        assert found.json["origType"] == "STOP_MARKET"
        assert found.json["closePosition"] is True

    play(scenario)


def test_a_stop_on_the_wrong_side_is_2021(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        assert (await caller.stop(triggerPrice="61000", closePosition="true")).code == -2021

    play(scenario)


def test_a_stop_may_be_invisible_for_a_minute(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.usdm.algos.lag_s = 60.0
        await long(caller)
        made = (await caller.stop(triggerPrice="58000", closePosition="true")).json
        asked = {"algoId": made["algoId"]}
        assert (await caller.signed("GET", "/fapi/v1/algoOrder", **asked)).code == -2013
        assert (await caller.signed("GET", "/fapi/v1/openAlgoOrders", **ONE)).json == []
        venue.advance(61)
        assert (await caller.signed("GET", "/fapi/v1/algoOrder", **asked)).status == 200

    play(scenario)


def test_cancel_all_and_the_countdown_leave_stops_alone(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await long(caller)
        await caller.stop(triggerPrice="58000", closePosition="true")
        await caller.future(quantity="0.01", price="59000")
        await caller.signed("POST", "/fapi/v1/countdownCancelAll", countdownTime=5_000, **ONE)
        venue.advance(4)
        assert len(venue.usdm.exchange.open_orders(caller.key.account)) == 1
        venue.advance(2)
        assert not venue.usdm.exchange.open_orders(caller.key.account)
        assert len(venue.usdm.algos.open(caller.key.account)) == 1
        assert venue.usdm.owner(caller.key.account).open_positions()

    play(scenario)


def test_isolated_margin_caps_the_loss_at_what_was_posted(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await isolated(caller)
        await long(caller)
        owner = venue.usdm.owner(caller.key.account)
        posted = owner.open_positions()[0].wallet
        before = owner.wallet
        venue.usdm.move("BTCUSDT", "40000")
        assert not owner.open_positions()
        assert before - owner.wallet == posted
        last = list(venue.usdm.exchange.orders.values())[-1]
        assert last.client_id.startswith("autoclose-")
        assert owner.wallet == 1_000 + sum(line.amount for line in owner.income)

    play(scenario)


def test_funding_is_paid_when_its_time_has_come(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await long(caller)
        owner = venue.usdm.owner(caller.key.account)
        before = owner.wallet
        venue.advance(8 * 3_600)
        assert owner.wallet == before - Decimal("0.06")
        rows = (await caller.signed("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")).json
        assert [row["income"] for row in rows] == ["-0.06000000"]

    play(scenario)


def test_hedge_mode_keeps_two_positions_and_refuses_reduce_only(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await caller.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
        again = await caller.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
        assert again.code == -4059
        for side, where in (("BUY", "LONG"), ("SELL", "SHORT")):
            order = {"type": "MARKET", "quantity": "0.01", "side": side, "positionSide": where}
            assert (await caller.future(**order)).status == 200
        owner = venue.usdm.owner(caller.key.account)
        assert sorted(p.quantity for p in owner.open_positions()) == [
            Decimal("-0.01"),
            Decimal("0.01"),
        ]
        assert (await caller.future(type="MARKET", quantity="0.01")).code == -4061

    play(scenario)


def test_terms_cannot_change_under_an_open_position(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await long(caller)
        changed = await caller.signed("POST", "/fapi/v1/marginType", marginType="ISOLATED", **ONE)
        assert changed.code == -4048
        switched = await caller.signed(
            "POST", "/fapi/v1/positionSide/dual", dualSidePosition="true"
        )
        assert switched.code == -4068

    play(scenario)


def test_a_batch_tells_each_outcome(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        good = (
            '{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC",'
            '"quantity":"0.01","price":"59000"}'
        )
        bad = good.replace("0.01", "9")
        answer = await caller.signed("POST", "/fapi/v1/batchOrders", batchOrders=f"[{good},{bad}]")
        assert [row.get("status", row.get("code")) for row in answer.json] == ["NEW", -2019]

    play(scenario)
