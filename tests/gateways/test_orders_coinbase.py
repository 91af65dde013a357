"""Coinbase: what is sent, how answers are read, and the flow of an order, with canned answers."""

import asyncio
import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.rigs import Trader, spot_instrument
from tests.gateways.test_orders_outcomes import Clock, Session, canned
from tradewinds.gateways.ccxt_orders import CcxtClient, Reply, Request, private_exchange
from tradewinds.gateways.ccxt_quirks import COINBASE_QUIRKS
from tradewinds.gateways.coinbase_orders import CoinbaseDialect
from tradewinds.gateways.coinbase_user_events import iso_ns
from tradewinds.gateways.dialect import Ending, Said, Since
from tradewinds.gateways.link import Wire
from tradewinds.gateways.live_venue import LiveTerms, LiveVenue
from tradewinds.gateways.outcomes import Cause, Trouble, Verdict
from tradewinds.gateways.rate_limit import RateLimit
from tradewinds.gateways.user_stream_coinbase import CoinbaseDoor
from tradewinds.model import events as ev
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.order import OrderStatus

D = Decimal
ORDERS = "v3PrivatePostBrokerageOrders"


@pytest.fixture(scope="module")
def secret() -> str:
    """A throwaway key of the kind Coinbase issues."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


class Orders(Trader):
    instrument = spot_instrument()

    def submit(self, order: Any) -> None:
        """Only made, never sent."""


MAKE = Orders()
DIALECT = CoinbaseDialect([MAKE.instrument])


def sent_body(session: Session, number: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(session.sent[number][2])
    return body


def ask(secret: str, session: Session, request: Request) -> Any:
    async def run() -> Any:
        keys = {"key": "organizations/o/apiKeys/k", "secret": secret}
        exchange = private_exchange(keys, mode="live", session=session, venue="coinbase")
        client = CcxtClient(exchange, COINBASE_QUIRKS, Clock().edge())
        try:
            return await client.ask(request)
        finally:
            await client.close()

    return asyncio.run(run())


TAKEN = json.dumps(
    {
        "success": True,
        "success_response": {
            "order_id": "v-1",
            "product_id": "BTC-USDT",
            "side": "SELL",
            "client_order_id": "tw-run-1",
        },
    }
)


def test_b20_our_client_order_id_arrives(secret: str) -> None:
    session = Session(canned(200, TAKEN))
    order = MAKE.make("sell", "market", "0.01", name="tw-run-1")
    reply = ask(secret, session, DIALECT.place(order, order.quantity))
    assert isinstance(reply, Reply)
    assert session.sent[0][1] == "https://api.coinbase.com/api/v3/brokerage/orders"
    assert sent_body(session) == {
        "client_order_id": "tw-run-1",
        "product_id": "BTC-USDT",
        "side": "SELL",
        "order_configuration": {"market_market_ioc": {"base_size": "0.01"}},
    }
    said = DIALECT.placed([order], reply.data, 1)[0].order
    assert (said.client_order_id, said.venue_order_id) == ("tw-run-1", "v-1")
    assert said.status is OrderStatus.OPEN


def configuration(order: Any) -> dict[str, Any]:
    params = DIALECT.place(order, order.quantity).params
    found: dict[str, Any] = params["order_configuration"]
    return found


def test_b20_a_protective_sale_waits_below_the_price_and_a_purchase_above() -> None:
    sell = configuration(MAKE.make("sell", "stop_market", "0.01", trigger_price=19_000))
    buy = configuration(MAKE.make("buy", "stop_market", "0.01", trigger_price=21_000))
    stop = sell["stop_limit_stop_limit_gtc"]
    assert stop["stop_direction"] == "STOP_DIRECTION_STOP_DOWN"
    assert (stop["stop_price"], stop["limit_price"]) == ("19000", "18050")
    stop = buy["stop_limit_stop_limit_gtc"]
    assert stop["stop_direction"] == "STOP_DIRECTION_STOP_UP"
    assert (stop["stop_price"], stop["limit_price"]) == ("21000", "22050")


def test_a_take_profit_points_the_other_way() -> None:
    sell = MAKE.make("sell", "take_profit_limit", "0.01", trigger_price=21_000, price=20_990)
    stop = configuration(sell)["stop_limit_stop_limit_gtc"]
    assert stop["stop_direction"] == "STOP_DIRECTION_STOP_UP"


@pytest.mark.parametrize(
    ("tif", "name"),
    [("gtc", "limit_limit_gtc"), ("ioc", "sor_limit_ioc"), ("fok", "limit_limit_fok")],
)
def test_limits_by_time_in_force(tif: str, name: str) -> None:
    order = configuration(MAKE.make("buy", "limit", "0.01", price=20_000, tif=tif))
    assert list(order) == [name]
    assert order[name]["limit_price"] == "20000"


def test_a_purchase_at_market_names_a_quantity_and_a_worst_price() -> None:
    order = configuration(MAKE.make("buy", "market", "0.01"))
    assert order == {"sor_limit_ioc": {"base_size": "0.01", "limit_price": "20400"}}


def test_a_preview_has_the_same_body_without_a_name() -> None:
    order = MAKE.make("sell", "stop_market", "0.01", trigger_price=19_000)
    params = DIALECT.preview(order, order.quantity).params
    assert "client_order_id" not in params
    assert params["order_configuration"] == configuration(order)


REFUSED = (
    '{"success":false,"failure_reason":"UNKNOWN_FAILURE_REASON","order_id":"","error_response":'
    '{"error":"UNKNOWN_FAILURE_REASON","message":"","error_details":"",'
    '"new_order_failure_reason":"INSUFFICIENT_FUNDS"}}'
)


def test_b19_a_refusal_inside_a_200_is_definitive_and_keeps_its_reason(secret: str) -> None:
    order = MAKE.make("sell", "market", "0.01")
    session = Session(canned(200, REFUSED))
    trouble = ask(secret, session, DIALECT.place(order, order.quantity))
    assert isinstance(trouble, Trouble)
    assert (trouble.verdict, trouble.cause) == (Verdict.REFUSED, Cause.FUNDS)
    assert "INSUFFICIENT_FUNDS" in trouble.reason


def test_b19_a_refusal_without_any_reason_is_definitive_too(secret: str) -> None:
    order = MAKE.make("sell", "market", "0.01")
    session = Session(canned(200, '{"success":false}'))
    trouble = ask(secret, session, DIALECT.place(order, order.quantity))
    assert trouble.verdict is Verdict.REFUSED


def token_of(headers: Any) -> dict[str, Any]:
    payload = headers["Authorization"].split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def test_b21_a_refused_token_is_made_anew_once(secret: str) -> None:
    class Listening(Session):
        headers_sent: list[Any] = []

        def post(self, url: Any, *, data: Any = None, **more: Any) -> Any:
            self.headers_sent.append(dict(more["headers"]))
            return super().post(url, data=data, **more)

    session = Listening(canned(401, "Unauthorized"), canned(200, TAKEN))
    order = MAKE.make("sell", "market", "0.01")
    assert isinstance(ask(secret, session, DIALECT.place(order, order.quantity)), Reply)
    first, second = (headers["Authorization"] for headers in session.headers_sent)
    assert first != second
    assert token_of(session.headers_sent[1])["uri"].endswith("/api/v3/brokerage/orders")
    session = Session(canned(401, "Unauthorized"), canned(401, "Unauthorized"))
    assert ask(secret, session, DIALECT.place(order, order.quantity)).cause is Cause.KEY


def test_each_subscription_has_a_token_of_its_own(secret: str) -> None:
    keys = {"key": "organizations/o/apiKeys/k", "secret": secret}
    exchange = private_exchange(keys, mode="live", venue="coinbase")
    hello = [json.loads(m) for m in CoinbaseDoor(exchange, [MAKE.instrument]).hello()]
    assert [message["channel"] for message in hello] == ["heartbeats", "user"]
    assert hello[0]["jwt"] != hello[1]["jwt"]
    assert hello[1]["product_ids"] == ["BTC-USDT"]


def test_the_door_knows_a_welcome_from_a_refusal(secret: str) -> None:
    door = CoinbaseDoor(None, [MAKE.instrument])
    assert door.welcomed({"type": "error", "message": "authentication failure"}) is False
    assert door.welcomed({"channel": "heartbeats", "events": []}) is None
    only = {"channel": "subscriptions", "events": [{"subscriptions": {"heartbeats": ["x"]}}]}
    both = {"channel": "subscriptions", "events": [{"subscriptions": {"user": ["x"]}}]}
    assert door.welcomed(only) is None
    assert door.welcomed(both) is True


def user_message(status: str, done: str, name: str = "tw-run-1") -> dict[str, Any]:
    row = {
        "order_id": "v-1", "client_order_id": name, "product_id": "BTC-USDT", "status": status,
        "cumulative_quantity": done, "leaves_quantity": "0", "order_side": "SELL",
    }  # fmt: skip
    return {
        "channel": "user", "timestamp": "2026-11-22T10:00:00.123456789Z", "sequence_num": 1,
        "events": [{"type": "update", "orders": [row]}],
    }  # fmt: skip


def test_an_update_is_a_total_and_a_status() -> None:
    said = DIALECT.updates(user_message("OPEN", "0.004"), 1)[0]
    assert isinstance(said, Said)
    assert said.order.filled_quantity == D("0.004")
    assert said.venue_time_ns == iso_ns("2026-11-22T10:00:00.123456789Z", 0)
    assert said.venue_time_ns % 1_000_000_000 == 123_456_789
    assert DIALECT.updates({"channel": "heartbeats", "events": []}, 1) == ()
    assert isinstance(DIALECT.updates({"type": "error", "message": "x"}, 1)[0], Ending)


def test_executions_are_asked_for_from_a_time_on() -> None:
    since = Since(time_ns=iso_ns("2026-11-22T10:00:00Z", 0))
    params = DIALECT.trades(MAKE.instrument, since).params
    assert params["start_sequence_timestamp"] == "2026-11-22T10:00:00Z"


def test_the_wallet_counts_what_is_on_hold() -> None:
    rows = [
        {"currency": "BTC", "available_balance": {"value": "0.3"}, "hold": {"value": "0.2"}},
        {"currency": "ETH", "available_balance": {"value": "0"}, "hold": {"value": "0"}},
    ]
    wallet = DIALECT.wallet_of([{"accounts": rows, "has_next": False}])
    assert wallet.totals == {"BTC": D("0.5")}
    assert wallet.free == {"BTC": D("0.3")}


class Answers:
    """Stands in for CcxtClient: answers by method, remembers what was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[Request] = []
        self.quirks = COINBASE_QUIRKS
        self.limit = RateLimit(600)
        self.succeeded_ns = 0
        self.on_trouble: Any = None

    async def ask(self, request: Request) -> Any:
        self.asked.append(request)
        answer = self.answers[request.method]
        return answer if isinstance(answer, Trouble) else Reply(data=answer)

    async def close(self) -> None:
        return None


class NoDoor(CoinbaseDoor):
    async def url(self) -> str:
        raise VenueUnavailable("the test speaks for the stream")


def fill_row(number: int, size: str) -> dict[str, Any]:
    return {
        "entry_id": f"e{number}", "trade_id": f"t{number}", "order_id": "v-1", "side": "SELL",
        "trade_time": "2026-11-22T10:00:00.5Z", "price": "20000", "size": size,
        "commission": "0.48", "product_id": "BTC-USDT", "liquidity_indicator": "TAKER",
        "size_in_quote": False,
    }  # fmt: skip


def test_totals_become_executions_told_once_with_price_and_fee() -> None:
    """The user channel replays its totals after each reconnect."""
    fills: list[Any] = []
    answers = Answers(
        {
            ORDERS: json.loads(TAKEN),
            "v3PrivateGetBrokerageOrdersHistoricalFills": {"fills": fills},
            "v3PrivateGetBrokerageOrdersHistoricalBatch": {"orders": []},
            "v3PrivateGetBrokerageAccounts": {"accounts": [], "has_next": False},
        }
    )
    told: list[Any] = []

    async def run() -> None:
        terms = LiveTerms(tick_s=0.005, state_every_blind_s=1e6, look_gap_s=1e6)
        door = NoDoor(None, [MAKE.instrument])
        live = LiveVenue(answers, DIALECT, (door, Wire()), terms)  # type: ignore[arg-type]
        running = asyncio.create_task(live.run())
        order = MAKE.make("sell", "market", "0.01", name="tw-run-1")
        live.submit(SubmitOrder(order=order, time_ns=1, cause=0))

        async def until(count: int) -> None:
            async with asyncio.timeout(20):
                while len([r for r in told if isinstance(r, ev.OrderFilled)]) < count:
                    await asyncio.sleep(0.005)
                    told.extend(live.due(0))

        await asyncio.sleep(0.05)
        fills.append(fill_row(1, "0.004"))
        live._take(user_message("OPEN", "0.004"))
        await until(1)
        live._take(user_message("OPEN", "0.004"))
        fills.append(fill_row(2, "0.006"))
        live._take(user_message("FILLED", "0.01"))
        live._take(user_message("FILLED", "0.01"))
        await until(2)
        await asyncio.sleep(0.1)
        told.extend(live.due(0))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    filled = [r.fill for r in told if isinstance(r, ev.OrderFilled)]
    assert [fill.quantity for fill in filled] == [D("0.004"), D("0.006")]
    assert {fill.client_order_id for fill in filled} == {"tw-run-1"}
    assert filled[0].fee == D("0.48")
    assert len([r for r in told if isinstance(r, ev.OrderAccepted)]) == 1


def test_a_cancel_names_the_venues_id_and_waits_for_its_end() -> None:
    answers = Answers(
        {
            ORDERS: json.loads(TAKEN),
            "v3PrivatePostBrokerageOrdersBatchCancel": {"results": [{"success": True}]},
            "v3PrivateGetBrokerageAccounts": {"accounts": [], "has_next": False},
            "v3PrivateGetBrokerageOrdersHistoricalFills": {"fills": []},
            "v3PrivateGetBrokerageOrdersHistoricalBatch": {
                "orders": [
                    {
                        "order_id": "v-1", "client_order_id": "tw-run-1", "status": "CANCELLED",
                        "product_id": "BTC-USDT", "filled_size": "0",
                    }
                ]
            },
        }
    )  # fmt: skip
    told: list[Any] = []

    async def run() -> None:
        terms = LiveTerms(tick_s=0.005, state_every_blind_s=1e6, look_gap_s=1e6)
        door = NoDoor(None, [MAKE.instrument])
        live = LiveVenue(answers, DIALECT, (door, Wire()), terms)  # type: ignore[arg-type]
        running = asyncio.create_task(live.run())
        order = MAKE.make("buy", "limit", "0.01", price=19_000, name="tw-run-1")
        live.submit(SubmitOrder(order=order, time_ns=1, cause=0))
        async with asyncio.timeout(20):
            # The canned answer tells the end alone, so it must not be asked for before the cancel.
            while not any(isinstance(r, ev.OrderAccepted) for r in told):
                await asyncio.sleep(0.005)
                told.extend(live.due(0))
        live.cancel(
            CancelOrder(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                time_ns=1,
                cause=0,
            )
        )
        async with asyncio.timeout(20):
            while not any(isinstance(r, ev.OrderCanceled) for r in told):
                await asyncio.sleep(0.005)
                told.extend(live.due(0))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    cancel = next(r for r in answers.asked if "Cancel" in r.method)
    assert cancel.params == {"order_ids": ["v-1"]}
