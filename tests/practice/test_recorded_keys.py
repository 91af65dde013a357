"""Answers have the keys that real ones were seen to have.

The lists were taken by hand from answers that ccxt's developers recorded from the real venue; the
recordings themselves are not part of any package, so only the names are here. Where Binance has
since dropped a field, it says so.
"""

from collections.abc import Callable
from typing import Any

Play = Callable[..., None]
SPOT_QUERY = """symbol orderId orderListId clientOrderId price origQty executedQty
    cummulativeQuoteQty status timeInForce type side stopPrice icebergQty time updateTime isWorking
    workingTime origQuoteOrderQty selfTradePreventionMode"""
SPOT_PLACED = """symbol orderId orderListId clientOrderId transactTime price origQty executedQty
    origQuoteOrderQty cummulativeQuoteQty status timeInForce type side workingTime fills
    selfTradePreventionMode"""
# avgPrice and cumQuote were in it until July 2026.
USDM_PLACED = """orderId symbol status clientOrderId price origQty executedQty cumQty timeInForce
    type reduceOnly closePosition side positionSide stopPrice workingType priceProtect origType
    priceMatch selfTradePreventionMode goodTillDate updateTime"""
USDM_QUERY = """orderId symbol status clientOrderId price avgPrice origQty executedQty cumQuote
    timeInForce type reduceOnly closePosition side positionSide stopPrice workingType priceProtect
    origType priceMatch selfTradePreventionMode goodTillDate time updateTime"""
RISK = """symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit
    liquidationPrice isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin
    positionInitialMargin openOrderInitialMargin adl bidNotional askNotional updateTime"""
ASSET = """asset walletBalance unrealizedProfit marginBalance maintMargin initialMargin
    positionInitialMargin openOrderInitialMargin crossWalletBalance crossUnPnl availableBalance
    maxWithdrawAmount updateTime"""
IN_ACCOUNT = """symbol positionSide positionAmt unrealizedProfit isolatedMargin notional
    isolatedWallet initialMargin maintMargin updateTime"""


def same(payload: dict[str, Any], names: str) -> None:
    assert set(payload) == set(names.split())


def test_spot_orders(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        placed = (await caller.order(quantity="0.01", price="59000")).json
        same(placed, SPOT_PLACED)
        rows = (await caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")).json
        same(rows[0], SPOT_QUERY)

    play(scenario)


def test_usdm_orders_and_positions(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        same((await caller.future(quantity="0.01", price="59000")).json, USDM_PLACED)
        rows = (await caller.signed("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")).json
        same(rows[0], USDM_QUERY)
        await caller.future(type="MARKET", quantity="0.01")
        risk = (await caller.signed("GET", "/fapi/v3/positionRisk")).json[0]
        same(risk, RISK)
        # Crossed: nothing is isolated, and a bare zero says so.
        assert (risk["isolatedMargin"], risk["isolatedWallet"]) == ("0", "0")
        account = (await caller.signed("GET", "/fapi/v3/account")).json
        same(account["assets"][0], ASSET)
        same(account["positions"][0], IN_ACCOUNT)

    play(scenario)
