"""Binance's host names: production, testnet and demo all lead to the same practice venue."""

SPOT_REST = frozenset(
    {
        "api.binance.com",
        "api-gcp.binance.com",
        "api1.binance.com",
        "api2.binance.com",
        "api3.binance.com",
        "api4.binance.com",
        "data-api.binance.vision",
        "testnet.binance.vision",
        "demo-api.binance.com",
    }
)
SPOT_STREAM = frozenset(
    {
        "stream.binance.com",
        "data-stream.binance.vision",
        "stream.testnet.binance.vision",
        "demo-stream.binance.com",
    }
)
SPOT_WS_API = frozenset(
    {"ws-api.binance.com", "ws-api.testnet.binance.vision", "demo-ws-api.binance.com"}
)
USDM_REST = frozenset({"fapi.binance.com", "testnet.binancefuture.com", "demo-fapi.binance.com"})
USDM_STREAM = frozenset(
    {"fstream.binance.com", "fstream.binancefuture.com", "demo-fstream.binance.com"}
)
COINM_REST = frozenset({"dapi.binance.com"})
