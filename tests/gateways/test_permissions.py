"""F7: what a key may do is read strictly, and what nobody said is not ok."""

import asyncio
from collections.abc import Mapping
from typing import Any

import ccxt
import pytest

from tradewinds.gateways.key_client import KeyAccess, answered, ask_ccxt, client_of, venue_clock
from tradewinds.gateways.permissions import (
    KeyRejected,
    Permissions,
    Unverified,
    advice,
    permissions_of,
    read_binance,
    read_coinbase,
    refusal,
)
from tradewinds.model.errors import VenueUnavailable

GOOD: Mapping[str, Any] = {
    "ipRestrict": True,
    "createTime": 1_767_225_600_000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": True,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": True,
    "enablePortfolioMarginTrading": False,
}
GOOD_COINBASE: Mapping[str, Any] = {
    "can_view": True,
    "can_trade": True,
    "can_transfer": False,
    "portfolio_uuid": "uuid-1",
    "portfolio_type": "CONSUMER",
}
SECRET = "canarysecret0123456789"


def binance(venue: str = "binance-spot", **changes: Any) -> Permissions | Unverified:
    answer = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return read_binance(venue, answer)


def coinbase(**changes: Any) -> Permissions | Unverified:
    answer = {name: value for name, value in (GOOD_COINBASE | changes).items() if value is not ...}
    return read_coinbase(answer)


def refused(found: Permissions | Unverified) -> str:
    assert isinstance(found, Permissions)
    return refusal(found) or ""


@pytest.mark.parametrize("found", [binance(), binance("binance-usdm"), coinbase()])
def test_a_key_that_reads_and_trades_is_taken(found: Permissions | Unverified) -> None:
    assert isinstance(found, Permissions)
    assert refusal(found) is None


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
@pytest.mark.parametrize(
    "right",
    ["enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer",
     "enableSubAccountTransfer", "permitsWithdrawToAnyone"],
)  # fmt: skip
def test_a_key_that_can_move_money_out_is_refused_with_the_place_to_change_it(
    venue: str, right: str
) -> None:
    told = refused(binance(venue, **{right: True}))
    assert right in told
    assert "API Management" in told


@pytest.mark.parametrize("value", ["true", 1, None, {}])
def test_an_unknown_right_to_move_money_counts_unless_it_is_false(value: Any) -> None:
    assert "enableSubAccountTransfer" in refused(binance(enableSubAccountTransfer=value))


@pytest.mark.parametrize("right", ["can_transfer", "can_withdraw"])
def test_a_coinbase_key_that_can_transfer_is_refused(right: str) -> None:
    told = refused(coinbase(**{right: True}))
    assert right in told
    assert "portal.cdp" in told


@pytest.mark.parametrize(
    "name",
    ["enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer", "ipRestrict",
     "enableReading", "enableSpotAndMarginTrading", "enableFutures"],
)  # fmt: skip
@pytest.mark.parametrize("value", [..., None, "false", 0])
def test_a_binance_answer_without_a_field_that_matters_verifies_nothing(
    name: str, value: Any
) -> None:
    found = binance(**{name: value})
    assert isinstance(found, Unverified)
    assert name in found.reason


@pytest.mark.parametrize("name", ["can_view", "can_trade", "can_transfer"])
@pytest.mark.parametrize("value", [..., None, "false", 0])
def test_a_coinbase_answer_without_a_field_that_matters_verifies_nothing(
    name: str, value: Any
) -> None:
    found = coinbase(**{name: value})
    assert isinstance(found, Unverified)
    assert name in found.reason


def test_an_answer_of_something_else_verifies_nothing() -> None:
    assert isinstance(read_binance("binance-spot", {"code": -1, "msg": "?"}), Unverified)
    assert isinstance(read_coinbase({}), Unverified)


def test_each_binance_market_needs_its_own_right() -> None:
    assert "Spot & Margin" in refused(binance(enableSpotAndMarginTrading=False))
    assert "Futures" in refused(binance("binance-usdm", enableFutures=False))
    assert refused(binance(enableFutures=False)) == ""
    assert "read" in refused(binance(enableReading=False))
    assert "Trade" in refused(coinbase(can_trade=False))
    assert "read" in refused(coinbase(can_view=False))


def test_no_ip_limit_and_rights_not_used_are_advice() -> None:
    found = binance(
        ipRestrict=False, enableMargin=True, tradingAuthorityExpirationTime=1_628_985_600_000
    )
    assert isinstance(found, Permissions)
    assert refusal(found) is None
    assert found.expires_ns == 1_628_985_600_000_000_000
    told = " ".join(advice(found))
    assert "IP restriction" in told
    assert "enableMargin" in told
    assert "enableFutures" in told
    plain = binance(enableFutures=False)
    assert isinstance(plain, Permissions)
    assert advice(plain) == ()


def test_coinbase_shows_its_portfolio_and_that_it_does_not_tell_ips() -> None:
    found = coinbase()
    assert isinstance(found, Permissions)
    assert found.portfolio == "CONSUMER uuid-1"
    assert "does not tell" in " ".join(advice(found))


def ask(outcome: Any) -> Any:
    async def question() -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return question


def through(outcome: Any, venue: str = "binance-spot") -> Permissions | Unverified:
    """The same way as in the product, over a client that answers or fails so."""

    class Client:
        sapi_get_account_apirestrictions = staticmethod(ask(outcome))
        v3_private_get_brokerage_key_permissions = staticmethod(ask(outcome))

    access = KeyAccess(venue=venue, key="canarykey0123456789", secret=SECRET)
    return asyncio.run(permissions_of(venue, ask_ccxt(Client(), access)))


def test_the_venue_is_asked_by_its_own_question() -> None:
    assert isinstance(through(GOOD), Permissions)
    assert isinstance(through(GOOD_COINBASE, "coinbase"), Permissions)


@pytest.mark.parametrize(
    "fault",
    [
        ccxt.RequestTimeout(f"binance GET https://x?signature={SECRET}"),
        ccxt.ExchangeNotAvailable(SECRET),
        ccxt.RateLimitExceeded("x"),
        ccxt.InvalidNonce("x"),
        ccxt.BadResponse(SECRET),
        ccxt.ExchangeError(f"{SECRET}\n" * 100),
        OSError("x"),
        TimeoutError(),
        ["not", "an", "object"],
        None,
    ],
    ids=repr,
)
def test_a_question_without_an_answer_verifies_nothing_and_shows_no_secret(fault: Any) -> None:
    found = through(fault)
    assert isinstance(found, Unverified)
    assert "canary" not in found.reason
    assert len(found.reason) < 300


@pytest.mark.parametrize("fault", [ccxt.AuthenticationError, ccxt.PermissionDenied])
def test_a_key_the_venue_does_not_take_is_refused_in_its_words(fault: type[Exception]) -> None:
    with pytest.raises(KeyRejected, match="-2015") as caught:
        through(fault(f"binance -2015 Invalid API-key, {SECRET} canarykey0123456789"))
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_clock_that_is_refused_is_named() -> None:
    access = KeyAccess(venue="binance-spot")
    with pytest.raises(VenueUnavailable, match="timedatectl"):
        asyncio.run(answered(ask(ccxt.InvalidNonce("-1021")), access))


def test_the_clock_is_the_one_of_the_fastest_answer() -> None:
    import time

    class Client:
        calls = 0

        async def fetch_time(self) -> int:
            self.calls += 1
            if self.calls != 2:
                await asyncio.sleep(0.3)
            return time.time_ns() // 1_000_000 + 2_000

    reading = asyncio.run(venue_clock(Client(), KeyAccess(venue="binance-spot")))
    assert reading.round_trip_ms < 290
    assert abs(reading.offset_ms - 2_000) < 150


@pytest.mark.parametrize(
    ("venue", "environment", "host"),
    [
        ("binance-spot", "production", "api.binance.com"),
        ("binance-spot", "testnet", "testnet.binance.vision"),
        ("binance-spot", "demo", "demo-api.binance.com"),
        ("binance-usdm", "testnet", "testnet.binancefuture.com"),
        ("binance-usdm", "demo", "demo-fapi.binance.com"),
        ("coinbase", "production", "api.coinbase.com"),
    ],
)
def test_each_environment_speaks_to_its_own_host(venue: str, environment: str, host: str) -> None:
    async def addresses() -> tuple[str, bool]:
        access = KeyAccess(venue=venue, environment=environment, key="k", secret=SECRET)
        assert SECRET not in repr(access)
        async with client_of(access) as client:
            return str(client.urls["api"]), client.verbose

    told, verbose = asyncio.run(addresses())
    assert host in told
    assert not verbose
