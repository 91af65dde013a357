"""Every kind of venue that must keep the contract."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.coinbase_rig import CoinbaseRig
from tests.contract.live_rigs import SpotRig, UsdmRig
from tests.contract.rigs import BTC, USDT, SimRig, perpetual_instrument, spot_instrument

SPOT = {USDT: Decimal(10_000), BTC: Decimal(1)}
LIVE = {"binance spot": SpotRig, "binance usdm": UsdmRig, "coinbase": CoinbaseRig}
KINDS = ("simulated spot", "simulated perpetual", *LIVE)
MARGIN = {USDT: Decimal(10_000)}


def made(kind: str) -> Any:
    if kind == "simulated spot":
        rig: Any = SimRig(spot_instrument(), SPOT)
        rig.quote(19_999, 20_001)
    elif kind == "simulated perpetual":
        rig = SimRig(perpetual_instrument(), MARGIN)
        rig.quote(19_999, 20_001)
    else:
        rig = LIVE[kind]()
        rig.connect()
    return rig


@pytest.fixture(params=KINDS)
def venue(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A rig with 10,000 USDT (and 1 BTC on spot), quoted 19,999 to 20,001."""
    rig = made(request.param)
    yield rig
    rig.close()
