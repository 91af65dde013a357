"""Signatures, time windows and permissions, with the examples of Binance's documentation."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tradewinds.practice.accounts import Account, ApiKey
from tradewinds.practice.binance.signing import is_good, rest_payload, socket_payload

Play = Callable[..., None]
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
EXAMPLE = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    "&recvWindow=5000&timestamp=1499827319559"
)
EXAMPLE_SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
SOCKET_EXAMPLE = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01000000",
    "price": "52000.00",
    "recvWindow": "100",
    "timestamp": "1645423376532",
    "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
}
SOCKET_SIGNATURE = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"


def key() -> ApiKey:
    return ApiKey(key="k", secret=SECRET, account=Account(name="a", uid=1))


def test_the_documented_rest_example_is_good_in_any_case_of_letters() -> None:
    assert is_good(EXAMPLE, EXAMPLE_SIGNATURE, key())
    assert is_good(EXAMPLE, EXAMPLE_SIGNATURE.upper(), key())
    assert not is_good(EXAMPLE + "0", EXAMPLE_SIGNATURE, key())


def test_query_and_body_are_signed_one_after_the_other() -> None:
    query, _, body = EXAMPLE.partition("&quantity")
    signed = f"quantity{body}&signature={EXAMPLE_SIGNATURE}"
    payload, signature = rest_payload(query, signed)
    # The documented mixed example has no `&` between the two.
    assert payload == query + "quantity" + body
    assert signature == EXAMPLE_SIGNATURE


def test_the_documented_websocket_example_is_good() -> None:
    assert is_good(socket_payload(SOCKET_EXAMPLE), SOCKET_SIGNATURE, key())


def test_a_wrong_secret_is_1022_and_a_missing_signature_1102(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        caller.key = ApiKey(key=caller.key.key, secret="no", account=caller.key.account)
        refused = await caller.signed("GET", "/api/v3/account")
        assert (refused.status, refused.code) == (400, -1022)
        stamp = caller.clock_ms()
        bare = await caller.keyed("GET", f"/api/v3/account?timestamp={stamp}")
        assert bare.code == -1102

    play(scenario)


def test_an_unknown_key_and_a_malformed_one_are_told_apart(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        account = caller.key.account
        for text, code in (("a" * 64, -2015), ("not a key", -2014)):
            caller.key = ApiKey(key=text, secret="x", account=account)
            refused = await caller.signed("GET", "/api/v3/account")
            assert (refused.status, refused.code) == (401, code)

    play(scenario)


def test_a_key_without_permission_cannot_trade_but_can_read(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        caller.key.can_trade = False
        assert (await caller.order(quantity="0.01", price="59000")).code == -2015
        assert (await caller.signed("GET", "/api/v3/account")).status == 200
        shown = (await caller.signed("GET", "/sapi/v1/account/apiRestrictions")).json
        assert not shown["enableSpotAndMarginTrading"]
        assert not shown["enableWithdrawals"]

    play(scenario)


@pytest.mark.parametrize(
    ("offset_ms", "said"), [(2_000, None), (10_000, "outside"), (-2_000, "ahead")]
)
def test_a_wrong_clock_of_the_venue_is_1021(play: Play, offset_ms: int, said: str | None) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.clock.offset_ms = offset_ms
        answer = await caller.signed("GET", "/api/v3/account")
        if said is None:
            assert answer.status == 200
        else:
            assert answer.code == -1021
            assert said in answer.text
        clock = (await caller.public("/api/v3/time")).json["serverTime"]
        assert abs(clock - caller.clock_ms() - offset_ms) < 1_000

    play(scenario)


def test_a_symbol_outside_ascii_must_be_percent_encoded_before_signing(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        symbol = "这是测试币456USDT"
        venue.spot.move(symbol, "2", "1000")
        order = {"symbol": symbol, "price": "1.9", "quantity": "10"}
        assert (await caller.order(**order)).status == 200
        assert quote(symbol).isascii()

    play(scenario)


def test_a_session_is_logged_on_with_ed25519_alone(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        private = Ed25519PrivateKey.generate()
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        account = caller.key.account
        venue.keyring.admit(ApiKey(key="ed25519", public_pem=pem.decode(), account=account))

        def logon(name: str, sign: Callable[[str], str]) -> dict[str, Any]:
            params = {"apiKey": name, "timestamp": str(caller.clock_ms())}
            signed = {**params, "signature": sign(socket_payload(params))}
            return {"id": 1, "method": "session.logon", "params": signed}

        def sign(payload: str) -> str:
            return base64.b64encode(private.sign(payload.encode())).decode()

        async with caller.session.ws_connect("wss://ws-api.binance.com:443/ws-api/v3") as ws:

            async def ask(request: dict[str, Any]) -> Any:
                await ws.send_json(request)
                return await asyncio.wait_for(ws.receive_json(), 5)

            assert (await ask({"id": 0, "method": "userDataStream.subscribe"}))["status"] == 401
            assert (await ask(logon(caller.key.key, lambda payload: "00")))["status"] == 400
            assert (await ask(logon("ed25519", sign)))["result"]["apiKey"] == "ed25519"
            begun = await ask({"id": 2, "method": "userDataStream.subscribe"})
            assert begun["result"] == {"subscriptionId": 0}
            stamp = {"timestamp": caller.clock_ms()}
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
            params = {**order, "quantity": "0.01", "price": "59000", **stamp}
            await ws.send_json({"id": 3, "method": "order.place", "params": params})
            seen = [await asyncio.wait_for(ws.receive_json(), 5) for _ in range(3)]
            assert {one["event"]["e"] for one in seen if "event" in one} == {
                "executionReport",
                "outboundAccountPosition",
            }
            assert [one["status"] for one in seen if "status" in one] == [200]

    play(scenario)
