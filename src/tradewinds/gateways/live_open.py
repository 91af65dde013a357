"""Live venues by name: what is put together for each, and which there are."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.gateways.binance_spot_orders import SpotDialect
from tradewinds.gateways.binance_usdm_orders import UsdmDialect
from tradewinds.gateways.ccxt_orders import CcxtClient, Edge, private_exchange
from tradewinds.gateways.ccxt_quirks import COINBASE_QUIRKS, SPOT_QUIRKS, USDM_QUIRKS
from tradewinds.gateways.coinbase_orders import CoinbaseDialect
from tradewinds.gateways.joint_venue import JointVenue, OrderVenue
from tradewinds.gateways.link import Wire
from tradewinds.gateways.live_venue import LiveTerms, LiveVenue
from tradewinds.gateways.user_stream import StreamEdge
from tradewinds.gateways.user_stream_binance import SpotDoor, UsdmDoor
from tradewinds.gateways.user_stream_coinbase import CoinbaseDoor
from tradewinds.model.errors import ConfigError
from tradewinds.model.instrument import Instrument, InstrumentKind


class Access(Struct, frozen=True, kw_only=True):
    """Who we are there and how we get there. `mode` is live, testnet or demo.

    `session` (aiohttp) and `wire` lead to a practice venue; without them to the real one.
    `perpetual_keys`: key and secret of perpetuals where they are others (testnets).
    """

    key: str
    secret: str
    mode: str = "live"
    session: Any = None
    wire: Wire = Wire()
    terms: LiveTerms = LiveTerms()
    edge: Edge = Edge()
    stream_edge: StreamEdge = StreamEdge()
    perpetual_keys: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Access({self.mode})"


def open_live_venue(venue: str, instruments: Iterable[Instrument], access: Access) -> OrderVenue:
    """Not yet connected. Spot markets, perpetuals, or both as one. Raises ConfigError."""
    if access.mode != "live":
        access = replace(access, terms=replace(access.terms, status_every_s=0.0))
    wanted = tuple(instruments)
    parts = {
        kind: _opener(venue, kind)(tuple(i for i in wanted if i.kind is kind), access)
        for kind in sorted({instrument.kind for instrument in wanted})
    }
    if not parts:
        raise ConfigError("no instruments to trade")
    if len(parts) == 1:
        return parts.popitem()[1]
    return JointVenue({str(kind): part for kind, part in parts.items()})


def _opener(venue: str, kind: InstrumentKind) -> "Opener":
    opener = OPENERS.get((venue, kind))
    if opener is None:
        known = ", ".join(sorted(f"{name} {kind}" for name, kind in OPENERS))
        raise ConfigError(f"no live orders on {venue} for these markets; there are: {known}")
    return opener


def _exchange(access: Access, keys: tuple[str, str] | None = None) -> Any:
    key, secret = keys or (access.key, access.secret)
    named = {"key": key, "secret": secret}
    return private_exchange(named, mode=access.mode, session=access.session)


def _binance_spot(instruments: tuple[Instrument, ...], access: Access) -> LiveVenue:
    exchange = _exchange(access)
    client = CcxtClient(exchange, SPOT_QUIRKS, access.edge)
    door = SpotDoor(exchange, access.mode)
    edges = (access.edge, access.stream_edge)
    return LiveVenue(client, SpotDialect(instruments), (door, access.wire), access.terms, edges)


def _binance_usdm(instruments: tuple[Instrument, ...], access: Access) -> LiveVenue:
    client = CcxtClient(_exchange(access, access.perpetual_keys), USDM_QUIRKS, access.edge)
    door = UsdmDoor(client, access.mode)
    edges = (access.edge, access.stream_edge)
    return LiveVenue(client, UsdmDialect(instruments), (door, access.wire), access.terms, edges)


def _coinbase(instruments: tuple[Instrument, ...], access: Access) -> LiveVenue:
    if access.mode != "live":
        raise ConfigError("coinbase has no test venue; use paper")
    keys = {"key": access.key, "secret": access.secret}
    exchange = private_exchange(keys, mode="live", session=access.session, venue="coinbase")
    client = CcxtClient(exchange, COINBASE_QUIRKS, access.edge)
    door = CoinbaseDoor(exchange, instruments)
    edges = (access.edge, access.stream_edge)
    dialect = CoinbaseDialect(instruments)
    return LiveVenue(client, dialect, (door, access.wire), access.terms, edges)


Opener = Callable[[tuple[Instrument, ...], Access], LiveVenue]
OPENERS: Final[Mapping[tuple[str, InstrumentKind], Opener]] = MappingProxyType(
    {
        ("binance", InstrumentKind.SPOT): _binance_spot,
        ("binance", InstrumentKind.PERPETUAL): _binance_usdm,
        ("coinbase", InstrumentKind.SPOT): _coinbase,
    }
)
