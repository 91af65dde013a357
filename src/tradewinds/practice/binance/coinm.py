"""COIN-M futures in name only: nothing is listed, so that clients which ask load no error."""

from tradewinds.practice.binance.desk import Endpoint, Endpoints
from tradewinds.practice.clock import VenueClock


def endpoints(clock: VenueClock) -> Endpoints:
    """An empty exchangeInfo, and the time."""
    return {
        "GET /dapi/v1/exchangeInfo": Endpoint(
            run=lambda asking: {
                "timezone": "UTC",
                "serverTime": clock.now_ms(),
                "rateLimits": [],
                "exchangeFilters": [],
                "symbols": [],
            }
        ),
        "GET /dapi/v1/time": Endpoint(run=lambda asking: {"serverTime": clock.now_ms()}),
        "GET /dapi/v1/ping": Endpoint(run=lambda asking: {}),
    }
