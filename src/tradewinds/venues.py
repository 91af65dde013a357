"""Venues that fill orders: as whom, how to get there, their market data and their order side."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from msgspec import Struct, structs

from tradewinds.clearance import key_print
from tradewinds.config import Settings
from tradewinds.engine.clock import WallClock
from tradewinds.gateways.binance_feed import BinanceFeed, BinanceOptions, Endpoints
from tradewinds.gateways.ccxt_orders import private_exchange
from tradewinds.gateways.coinbase_feed import CoinbaseFeed, CoinbaseOptions
from tradewinds.gateways.joint_venue import OrderVenue
from tradewinds.gateways.key_client import KeyAccess, account_named, ask_ccxt, client_of
from tradewinds.gateways.link import Wire
from tradewinds.gateways.live import Live
from tradewinds.gateways.live_open import Access, open_live_venue
from tradewinds.gateways.permissions import KeyRejected, Unverified, permissions_of, refusal
from tradewinds.gateways.venue_rest import CcxtRest
from tradewinds.logs import Log
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import MarketEvent
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.timeframes import MINUTE_NS
from tradewinds.options import DEMO, LIVE, PRACTICE, TESTNET
from tradewinds.parts import Holder
from tradewinds.ports import Feed
from tradewinds.practice import connection
from tradewinds.practice.connection import Connection
from tradewinds.practice.resolver import LoopbackResolver, client_session
from tradewinds.sources import (
    BEAT_NS,
    SYNTHETIC_PARAMS,
    Source,
    live_history,
    timeframes_asked_for,
)
from tradewinds.vault.credentials import cdp_file, credentials
from tradewinds.vault.keys import ApiKey, KeyVenue
from tradewinds.vault.secret import Secret

T = TypeVar("T")
PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
BOTH: Final = "binance-both"
"""Names accounts of spot and perpetuals together."""
FEE_COIN: Final = "BNB"
"""What Binance takes fees in where the account wants its discount: its price must be known."""
API_MODES: Final[Mapping[str, str]] = MappingProxyType(
    {PRACTICE: "live", TESTNET: "testnet", DEMO: "demo", LIVE: "live"}
)
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {PRACTICE: "practice", TESTNET: "testnet", DEMO: "demo", LIVE: "real"}
)
"""As accounts are named: `live` is paper money on live prices, and must never be mixed up."""
ENVIRONMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {PRACTICE: "production", TESTNET: "testnet", DEMO: "demo", LIVE: "production"}
)
ENDPOINTS: Final[Mapping[str, Endpoints]] = MappingProxyType(
    {
        "live": Endpoints(),
        "testnet": Endpoints(
            spot="wss://stream.testnet.binance.vision/stream",
            usdm_public="wss://fstream.binancefuture.com/public/stream",
            usdm_market="wss://fstream.binancefuture.com/market/stream",
        ),
        "demo": Endpoints(
            spot="wss://demo-stream.binance.com/stream",
            usdm_public="wss://fstream.binancefuture.com/public/stream",
            usdm_market="wss://fstream.binancefuture.com/market/stream",
        ),
    }
)
log = Log("venues")


class Reach(Struct, frozen=True, kw_only=True):
    """How to a venue and as whom. `name` tells accounts apart: the key's name there.

    `perpetual_keys`: key and secret for USD-M perpetuals traded beside spot, the same as for spot
    where one key serves both; None: `product` alone. `session` and `wire` lead to a practice venue;
    without them to the real one.
    """

    mode: str
    product: KeyVenue
    name: str
    key: str
    secret: str
    perpetual_keys: tuple[str, str] | None = None
    session: Any = None
    wire: Wire = Wire()

    def __repr__(self) -> str:
        return f"Reach({self.mode}, {self.product}, {self.name})"

    @property
    def venue(self) -> str:
        """`binance` or `coinbase`."""
        return self.product.partition("-")[0]

    @property
    def api_mode(self) -> str:
        """As the gateways call it: a practice venue speaks as production does."""
        return API_MODES[self.mode]

    @property
    def label(self) -> str:
        """What the pages call it: `TESTNET binance-spot`."""
        both = f" and {KeyVenue.BINANCE_USDM}" if self.perpetual_keys else ""
        return f"{KINDS[self.mode].upper()} {self.product}{both}"

    @property
    def seats(self) -> tuple[tuple[KeyVenue, str, str], ...]:
        """Every product that is traded, with key and secret for it."""
        first = (self.product, self.key, self.secret)
        if self.perpetual_keys is None:
            return (first,)
        return (first, (KeyVenue.BINANCE_USDM, *self.perpetual_keys))


def reach_of_key(key: ApiKey, mode: str, perpetual: ApiKey | None = None) -> Reach:
    """With a key of the vault; `perpetual` (it may be the same) adds USD-M to spot."""
    plain = Reach(
        mode=mode,
        product=key.name.venue,
        name=f"{key.name.venue}-{key.name.label}",
        key=key.key.reveal(),
        secret=key.secret.reveal(),
    )
    if perpetual is None:
        return plain
    # A label holds no dot, so no two pairs of keys share a name.
    other = "" if perpetual.name == key.name else f".{perpetual.name.label}"
    return structs.replace(
        plain,
        name=f"{BOTH}-{key.name.label}{other}",
        perpetual_keys=(perpetual.key.reveal(), perpetual.secret.reveal()),
    )


def reach_of_practice(
    found: Connection, symbols: Sequence[str], at: str = "", *, perpetuals: bool = False
) -> Reach:
    """To a venue on this machine. Call it in the loop that will use it; close its session."""
    if perpetuals:
        spot = reach_of_practice(found, symbols, KeyVenue.BINANCE_SPOT)
        keys = (found.api_key, found.secret)
        return structs.replace(spot, name=f"{BOTH}-{found.name}", perpetual_keys=keys)
    context = ssl.create_default_context(cafile=found.ca)
    perpetual = bool(symbols) and all(":" in symbol for symbol in symbols)
    usual = KeyVenue.BINANCE_USDM if perpetual else KeyVenue.BINANCE_SPOT
    product = KeyVenue(at) if at else usual
    key, secret = found.api_key, found.secret
    if product is KeyVenue.COINBASE:
        key, secret = _portal_key(Path(found.coinbase_key))
    return Reach(
        mode=PRACTICE,
        product=product,
        name=f"{product}-{found.name}",
        key=key,
        secret=secret,
        session=client_session(found.hosts, found.port, context),
        wire=Wire(resolver=LoopbackResolver(found.hosts, found.port), context=context),
    )


def _portal_key(path: Path) -> tuple[str, str]:
    """As Coinbase's portal writes it. Raises ConfigError where it is gone."""
    try:
        name, secret = cdp_file(Secret(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; start the practice venue anew") from error
    typed = credentials(KeyVenue.COINBASE, name, secret)
    return typed.key.reveal(), typed.secret.reveal()


async def leave(reach: Reach) -> None:
    """Give back what `reach_of_practice` opened."""
    if reach.session is not None:
        await reach.session.close()


def symbols_at(reach: Reach, symbols: Sequence[str], currency: str) -> tuple[str, ...]:
    """In the venue's spelling, with what its fees may be paid in. Perpetuals of the account's
    currency alone: what is owed in another could not be valued there.

    Of spot and perpetuals together each symbol is what it says; where none names a perpetual, all
    are traded as both.
    """
    if reach.perpetual_keys is not None:
        named = [symbol for symbol in symbols if ":" in symbol]
        spot = structs.replace(reach, perpetual_keys=None)
        futures = structs.replace(spot, product=KeyVenue.BINANCE_USDM)
        plain = [symbol for symbol in symbols if ":" not in symbol]
        return (
            *symbols_at(spot, plain, currency),
            *symbols_at(futures, named or plain, currency),
        )
    if reach.product is KeyVenue.BINANCE_USDM:
        settled = [s if ":" in s else f"{s}:{s.partition('/')[2]}" for s in symbols]
        return tuple(symbol for symbol in settled if symbol.endswith(f":{currency}"))
    if reach.product is KeyVenue.BINANCE_SPOT:
        return tuple(dict.fromkeys((*symbols, f"{FEE_COIN}/{currency}")))
    if reach.mode == PRACTICE:
        # Public data of a USDC market are those of the USD one, which is not played there.
        return tuple(symbol for symbol in symbols if symbol.endswith(f"/{currency}"))
    return tuple(symbols)


async def market_at(reach: Reach, symbols: Sequence[str]) -> Live:
    """That venue's own market data. Raises VenueUnavailable, or ConfigError for unknown names."""
    rest = CcxtRest(reach.venue, lambda _: _public(reach))
    wanted = tuple(symbols)
    if reach.venue == "coinbase":
        options = CoinbaseOptions(symbols=wanted, depth=False, bars=False)
        coinbase = await CoinbaseFeed.connect(options, rest, reach.wire)
        return Live(
            feed=coinbase,
            history=coinbase.history,
            prints_bar_ns=MINUTE_NS,
            watch=coinbase.on_change,
        )
    ends = ENDPOINTS[reach.api_mode]
    binance = await BinanceFeed.connect(
        BinanceOptions(symbols=wanted, depth=False, endpoints=ends), rest, reach.wire
    )
    return Live(feed=binance, history=binance.history, prints_bar_ns=0, watch=binance.on_change)


def _public(reach: Reach) -> Any:
    """A client for public questions: it has no key."""
    keys = {"key": "", "secret": ""}
    return private_exchange(keys, mode=reach.api_mode, session=reach.session, venue=reach.venue)


def orders_at(reach: Reach, instruments: Sequence[Instrument]) -> OrderVenue:
    """Its order side, not yet connected. Raises ConfigError."""
    access = Access(
        key=reach.key,
        secret=reach.secret,
        mode=reach.api_mode,
        session=reach.session,
        wire=reach.wire,
        perpetual_keys=reach.perpetual_keys,
    )
    lacking = set(InstrumentKind) - {instrument.kind for instrument in instruments}
    if reach.perpetual_keys is not None and lacking:
        raise ConfigError(
            f"of the symbols wanted the venue lists no {' and no '.join(sorted(lacking))} market: "
            "add one to --symbols (BTC/USDT is spot, BTC/USDT:USDT its perpetual), or trade one "
            "product alone"
        )
    return open_live_venue(reach.venue, instruments, access)


async def why_refused(reach: Reach) -> str:
    """What the venue says against this key, now; '' for nothing. Raises VenueUnavailable where it
    does not tell: then nobody knows.

    A testnet and a demo tell nothing of a key's rights, and nothing there is money.
    """
    if reach.mode in (TESTNET, DEMO):
        return ""
    for product, _, _ in reach.seats:
        reason = await _why_refused(_access(reach, product))
        if reason:
            return f"{product}: {reason}" if reach.perpetual_keys else reason
    return ""


async def holders_of(reach: Reach) -> tuple[Holder, ...]:
    """Whose account each product's key leads to, now. Raises VenueUnavailable or KeyRejected."""
    found = []
    for product, key, _ in reach.seats:
        access = _access(reach, product)
        async with client_of(access) as client:
            account = await account_named(client, access)
        found.append(Holder(product=product, account=account, key=key_print(key)))
    return tuple(found)


def _access(reach: Reach, product: KeyVenue) -> KeyAccess:
    ((key, secret),) = ((k, s) for each, k, s in reach.seats if each is product)
    return KeyAccess(
        venue=product,
        environment=ENVIRONMENTS[reach.mode],
        key=key,
        secret=secret,
        session=reach.session,
    )


async def _why_refused(access: KeyAccess) -> str:
    try:
        async with client_of(access) as client:
            found = await permissions_of(access.venue, ask_ccxt(client, access))
    except KeyRejected as error:
        return str(error)
    if isinstance(found, Unverified):
        raise VenueUnavailable(f"the key's rights could not be checked: {found.reason}")
    return refusal(found) or ""


async def patiently(what: str, work: Callable[[], Awaitable[T]]) -> T:
    """Until the venue answers, however long that takes; nothing of ours is open meanwhile that was
    not before. Raises ConfigError, which waiting does not mend."""
    tries = 0
    while True:
        try:
            return await work()
        except VenueUnavailable as error:
            pause_s = PAUSES_S[min(tries, len(PAUSES_S) - 1)]
            tries += 1
            log.warning("venue_not_reached", what=what, reason=str(error), again_in_s=pause_s)
            await asyncio.sleep(pause_s)


class Labelled:
    """A feed under the name of the venue's playground, not of the venue."""

    def __init__(self, feed: Feed, label: str) -> None:
        self._feed = feed
        self.label = label

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The feed's."""
        return self._feed.instruments

    def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """The feed's."""
        return self._feed.batches()


def kind_of(reach: Reach) -> str:
    """Part of the account's name: one for each venue, key and kind of money."""
    return f"{KINDS[reach.mode]}-{reach.name}"


async def source_at(reach: Reach, settings: Settings, symbols: Sequence[str]) -> Source:
    """Market data for a session at that venue. Raises VenueUnavailable or ConfigError."""
    live = await market_at(reach, symbols_at(reach, symbols, settings.account.currency))
    made_up = reach.mode == PRACTICE
    return Source(
        feed=Labelled(live.feed, reach.label),
        kind=kind_of(reach),
        synthetic=made_up,
        resumes=True,
        start_ns=time.time_ns(),
        beat_ns=BEAT_NS,
        clock=WallClock(),
        history=await live_history(live, timeframes_asked_for(settings)),
        default_params=SYNTHETIC_PARAMS if made_up else {},
        prints_bar_ns=live.prints_bar_ns,
        watch=live.watch,
    )


async def practice_found(folder: Path, wait_s: float) -> Connection:
    """The practice venue of this data folder, as soon as it listens. Raises ConfigError."""
    give_up = asyncio.get_running_loop().time() + wait_s
    while True:
        found = connection.reachable(folder)
        if found is not None:
            return found
        if asyncio.get_running_loop().time() > give_up:
            raise ConfigError(
                "no practice venue answers here: start one with `trading-cli venue`, or let "
                "`trading-cli run --practice` start its own"
            )
        await asyncio.sleep(0.1)
