"""Coinbase by REST: tokens, orders of every kind, filters, refusals, limits and faults."""

import contextlib
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.practice.coinbase_caller import HOST, PATH, Caller, play, token
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Keyring
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.coinbase.advanced import Coinbase
from tradewinds.practice.coinbase.quota import Quota
from tradewinds.practice.faults import Hidden, Reply
from tradewinds.practice.orders import Order, Refused
from tradewinds.practice.presets import coinbase_listings

ACCOUNTS = f"GET {HOST}{PATH}/accounts"


async def stored(caller: Caller, placed: Any) -> Any:
    """As the venue tells it now."""
    return (await caller.get(f"orders/historical/{placed['order_id']}"))["order"]


def test_a_token_speaks_for_one_request_and_two_minutes() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        good = token(caller.key, ACCOUNTS)
        await caller.send("GET", "accounts", signed=good)
        assert caller.status == 200
        now_s = int(time.time())
        wrong = [
            "",
            "nonsense",
            good,
            token(caller.key, f"POST {HOST}{PATH}/accounts"),
            token(caller.key, f"GET {HOST}{PATH}/portfolios"),
            token(caller.key, "GET api.example.com/api/v3/brokerage/accounts"),
            token(caller.key),
            token(caller.key, ACCOUNTS, nbf=now_s - 200, exp=now_s - 80),
            token(caller.key, ACCOUNTS, exp=now_s + 600),
            token(caller.key, ACCOUNTS, nbf=now_s + 100, exp=now_s + 200),
            token(caller.key, ACCOUNTS, nonce=""),
            token(caller.key, ACCOUNTS, alg="none"),
            token(caller.key, ACCOUNTS, iss="somebody"),
            token(caller.key, ACCOUNTS, kid="organizations/x/apiKeys/y"),
            good[:-6] + "AAAAAA",
        ]
        for signed in wrong:
            await caller.send("GET", "accounts", signed=signed)
            assert caller.status == 401, signed
        assert "used before" in venue.coinbase.tokens.refused
        assert "it expired" in " ".join(venue.coinbase.tokens.refused)

    play(scenario)


def test_a_key_may_do_what_it_may_do() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        caller.key.can_trade = False
        rights = await caller.get("key_permissions")
        assert (rights["can_view"], rights["can_trade"], rights["can_transfer"]) == (
            True,
            False,
            False,
        )
        refused = await caller.order("market_market_ioc", quote_size="10")
        assert (caller.status, refused["error"]) == (403, "PERMISSION_DENIED")
        caller.key.revoked = True
        await caller.get("accounts")
        assert caller.status == 401

    play(scenario)


def test_fees_are_paid_in_quote_on_top_and_holds_cover_them() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        usd, btc = (caller.key.account.balance(asset) for asset in ("USD", "BTC"))
        resting = await caller.order("limit_limit_gtc", base_size="0.1", limit_price="50000")
        assert usd.locked == Decimal(5_030)
        await caller.post("orders/batch_cancel", {"order_ids": [resting["order_id"]]})
        assert (usd.free, usd.locked) == (Decimal(10_000), Decimal(0))
        await caller.order("limit_limit_gtc", base_size="0.1", limit_price="60010")
        assert usd.free == Decimal(10_000) - Decimal("6000.001") * Decimal("1.006")
        assert (usd.locked, btc.free) == (Decimal(0), Decimal("1.1"))
        before = usd.free
        sold = await caller.order("market_market_ioc", "SELL", base_size="0.1")
        assert usd.free == before + Decimal("5999.999") * Decimal("0.994")
        told = await stored(caller, sold)
        assert (told["total_fees"], told["total_value_after_fees"]) == ("35.999994", "5963.999006")

    play(scenario)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([Side.BUY, Side.SELL]),
        st.integers(1, 40),
        st.integers(95, 105),
        st.sampled_from(["GTC", "IOC", "FOK"]),
        st.integers(95, 105),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_money_is_neither_made_nor_overdrawn(steps: Any) -> None:
    """Whatever is traded: what left the account is in its fills, and what is held is covered."""
    keyring, clock = Keyring(0), VenueClock()
    venue = Coinbase(clock, coinbase_listings(), keyring)
    account = venue.customer(USD="1000", BTC="1").account
    usd, btc = account.balance("USD"), account.balance("BTC")
    for side, size, price, tif, market in steps:
        venue.move("BTC-USD", str(market * 10), "0.2")
        order = Order(
            account=account,
            symbol="BTC-USD",
            side=side,
            type="LIMIT",
            quantity=Decimal(size) / 20,
            price=Decimal(price * 10),
            tif=tif,
            labels={"configuration": {}, "type": "LIMIT", "tif": tif},
        )
        with contextlib.suppress(Refused):
            venue.exchange.submit(order)
        assert min(usd.free, usd.locked, btc.free, btc.locked) >= 0
    for order in venue.exchange.open_orders(account):
        venue.exchange.cancel(order)
    assert usd.locked == btc.locked == 0
    fills = [fill for order in venue.exchange.orders.values() for fill in order.fills]
    signs = [(fill, 1 if fill.side is Side.BUY else -1) for fill in fills]
    assert btc.free == 1 + sum(sign * fill.quantity for fill, sign in signs)
    assert usd.free == 1000 - sum(sign * f.quote_quantity + f.fee for f, sign in signs)


def test_a_sum_to_spend_includes_the_fee() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        placed = await caller.order("market_market_ioc", quote_size="1006")
        told = await stored(caller, placed)
        spent = Decimal(10_000) - caller.key.account.balance("USD").free
        assert Decimal("1005.99") < spent <= Decimal(1_006)
        assert (told["status"], told["size_inclusive_of_fees"]) == ("FILLED", True)

    play(scenario)


def test_orders_of_every_kind() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        ends = {"end_time": "2030-01-01T00:00:00Z"}
        low = {"base_size": "0.01", "limit_price": "59000"}
        stop = {"base_size": "0.01", "limit_price": "57000", "stop_price": "58000"}
        stop["stop_direction"] = "STOP_DIRECTION_STOP_DOWN"
        bracket = {"base_size": "0.01", "limit_price": "61000", "stop_trigger_price": "58000"}
        kinds: list[tuple[str, str, dict[str, str], str]] = [
            ("sor_limit_ioc", "BUY", low, "CANCELLED"),
            ("limit_limit_fok", "BUY", low, "CANCELLED"),
            ("limit_limit_fok", "BUY", low | {"limit_price": "60001"}, "FILLED"),
            ("limit_limit_gtc", "BUY", low, "OPEN"),
            ("limit_limit_gtd", "BUY", low | ends, "OPEN"),
            ("stop_limit_stop_limit_gtc", "SELL", stop, "OPEN"),
            ("stop_limit_stop_limit_gtd", "SELL", stop | ends, "OPEN"),
            ("trigger_bracket_gtc", "SELL", bracket, "OPEN"),
            ("trigger_bracket_gtd", "SELL", bracket | ends, "OPEN"),
        ]
        for kind, side, fields, status in kinds:
            placed = await caller.order(kind, side, **fields)
            told = await stored(caller, placed)
            assert (told["status"], told["order_configuration"]) == (status, {kind: fields})
        assert (
            len((await caller.get("orders/historical/batch", order_status="OPEN"))["orders"]) == 6
        )
        venue.clock.offset_ms = 5 * 365 * 24 * 3_600_000
        venue.advance(0)
        expired = [o for o in venue.coinbase.exchange.orders.values() if o.status == "EXPIRED"]
        assert len([o for o in expired if "end_ns" in o.labels]) == 3

    play(scenario)


def test_a_bracket_sells_at_its_target_or_through_its_trigger() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        fields = {"base_size": "0.01", "limit_price": "61000", "stop_trigger_price": "58000"}
        first = await caller.order("trigger_bracket_gtc", "SELL", **fields)
        venue.coinbase.move("BTC-USD", "61010")
        told = await stored(caller, first)
        assert (told["status"], told["average_filled_price"]) == ("FILLED", "61000")
        venue.coinbase.move("BTC-USD", "60000")
        second = await caller.order("trigger_bracket_gtc", "SELL", **fields)
        venue.coinbase.move("BTC-USD", "57500")
        told = await stored(caller, second)
        assert (told["status"], told["average_filled_price"]) == ("FILLED", "57499.99")
        assert told["trigger_status"] == "STOP_TRIGGERED"
        assert caller.key.account.balance("BTC").locked == 0

    play(scenario)


DOWN, UP = "STOP_DIRECTION_STOP_DOWN", "STOP_DIRECTION_STOP_UP"
LIMIT = {"base_size": "0.01", "limit_price": "59000"}
STOP = {"base_size": "0.01", "limit_price": "57000", "stop_price": "58000", "stop_direction": DOWN}
WRONG_LIMITS: list[tuple[str, dict[str, Any], str]] = [
    ("BUY", {"base_size": "10"}, "INSUFFICIENT_FUND"),
    ("SELL", {"base_size": "2"}, "INSUFFICIENT_FUND"),
    ("BUY", {"limit_price": "59000.001"}, "INVALID_PRICE_PRECISION"),
    ("BUY", {"base_size": "0.000000001"}, "INVALID_SIZE_PRECISION"),
    ("BUY", {"base_size": "0.00001"}, "INVALID_QUOTE_SIZE_TOO_SMALL"),
    ("BUY", {"base_size": "3401"}, "INVALID_BASE_SIZE_TOO_LARGE"),
    ("BUY", {"limit_price": "60500", "post_only": True}, "INVALID_LIMIT_PRICE_POST_ONLY"),
]
WRONG_STOPS: list[tuple[str, dict[str, Any], str]] = [
    ("SELL", {"stop_price": "60500"}, "STOP_PRICE_ABOVE_LAST_TRADE_PRICE"),
    ("SELL", {"stop_direction": UP}, "STOP_PRICE_BELOW_LAST_TRADE_PRICE"),
    ("SELL", {"limit_price": "58500"}, "INVALID_STOP_PRICE"),
]
REFUSALS = [("limit_limit_gtc", LIMIT, *row) for row in WRONG_LIMITS]
REFUSALS += [("stop_limit_stop_limit_gtc", STOP, *row) for row in WRONG_STOPS]


def test_a_refusal_is_a_200_that_says_so_and_the_preview_said_it_before() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        for kind, right, side, wrong, why in REFUSALS:
            fields, reason = right | wrong, f"PREVIEW_{why}"
            body = {"product_id": "BTC-USD", "side": side, "order_configuration": {kind: fields}}
            assert (await caller.post("orders/preview", body))["errs"] == [reason]
            refused = await caller.order(kind, side, **fields)
            assert (caller.status, refused["success"]) == (200, False)
            assert refused["error_response"]["preview_failure_reason"] == reason
        assert not venue.coinbase.exchange.orders
        assert caller.key.account.balance("USD").free == Decimal(10_000)

    play(scenario)


GOOD = {
    "client_order_id": "x",
    "product_id": "BTC-USD",
    "side": "BUY",
    "order_configuration": {"limit_limit_gtc": LIMIT},
}
MALFORMED: list[dict[str, Any]] = [
    {"client_order_id": ""},
    {"product_id": "NO-SUCH"},
    {"side": "UP"},
    {"order_configuration": None},
    {"order_configuration": {"limit_limit_gtc": {}}},
    {"order_configuration": {"new_kind": LIMIT}},
    {"order_configuration": {"limit_limit_gtc": LIMIT | {"base_size": "NaN"}}},
    {"order_configuration": {"limit_limit_gtc": LIMIT | {"base_size": 1}}},
]


@pytest.mark.parametrize("wrong", MALFORMED)
def test_what_is_malformed_is_an_http_error(wrong: Any) -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        answer = await caller.post("orders", GOOD | wrong)
        assert caller.status in (400, 404)
        assert {"error", "error_details", "message"} == set(answer)

    play(scenario)


def test_a_name_is_used_once_and_a_cancel_answers_for_each_order() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        first = await caller.order("limit_limit_gtc", name="mine", **LIMIT)
        again = await caller.order("limit_limit_gtc", name="mine", **LIMIT)
        assert (again["success"], again["order_id"]) == (True, first["order_id"])
        venue.coinbase.orders.unique_ids = False
        other = await caller.order("market_market_ioc", quote_size="10")
        ids = [first["order_id"], other["order_id"], "no such id"]
        results = (await caller.post("orders/batch_cancel", {"order_ids": ids}))["results"]
        assert [row["success"] for row in results] == [True, False, False]
        assert results[1]["failure_reason"] == "UNKNOWN_CANCEL_ORDER"

    play(scenario)


def test_lists_come_in_pages_newest_first() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        for name in ("a", "b", "c"):
            await caller.order("limit_limit_gtc", name=name, **LIMIT)
        page = await caller.get("orders/historical/batch", limit=2, product_ids=["BTC-USD"])
        assert [row["client_order_id"] for row in page["orders"]] == ["c", "b"]
        rest = await caller.get("orders/historical/batch", limit=2, cursor=page["cursor"])
        assert [row["client_order_id"] for row in rest["orders"]] == ["a"]
        assert (page["has_next"], rest["has_next"]) == (True, False)
        answer = await caller.get("orders/historical/batch", order_status=["OPEN", "FILLED"])
        assert (caller.status, answer["error"]) == (400, "INVALID_ARGUMENT")

    play(scenario)


def test_a_product_that_is_shut_takes_nothing_but_cancels() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        placed = await caller.order("limit_limit_gtc", **LIMIT)
        venue.coinbase.exchange.markets["BTC-USD"].listing.status = "CANCEL_ONLY"
        refused = await caller.order("limit_limit_gtc", **LIMIT)
        assert refused["error_response"]["error"] == "ORDER_ENTRY_DISABLED"
        product = await caller.public("products/BTC-USD")
        assert (product["cancel_only"], product["trading_disabled"]) == (True, False)
        ids = {"order_ids": [placed["order_id"]]}
        assert (await caller.post("orders/batch_cancel", ids))["results"][0]["success"]

    play(scenario)


def test_too_many_requests_are_told_with_what_is_left() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        clock = venue.clock
        venue.coinbase.desk.quotas[caller.key.key] = Quota(clock, (3, 3_600))
        for left in ("2", "1", "0"):
            await caller.get("accounts")
            assert (caller.status, caller.headers["x-ratelimit-remaining"]) == (200, left)
        refused = await caller.get("accounts")
        assert (caller.status, refused["error"]) == (429, "rate_limit_exceeded")
        venue.advance(3_600)
        await caller.get("accounts")
        assert caller.status == 200

    play(scenario)


def test_scripted_faults_strike_by_place() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        place = "coinbase POST /api/v3/brokerage/orders"
        venue.faults.on(place, Reply(status=503, body=b"{}", execute=True))
        await caller.order("limit_limit_gtc", name="hidden behind 503", **LIMIT)
        assert caller.status == 503
        assert [o.client_id for o in venue.coinbase.exchange.orders.values()] == [
            "hidden behind 503"
        ]
        venue.faults.on(place, Hidden(for_s=60))
        placed = await caller.order("limit_limit_gtc", **LIMIT)
        assert (await caller.get("orders/historical/batch"))["orders"][0]["client_order_id"] != "x"
        assert len((await caller.get("orders/historical/batch"))["orders"]) == 1
        venue.advance(61)
        assert (await stored(caller, placed))["status"] == "OPEN"

    play(scenario)
