"""A ccxt client that speaks with one key, for questions about that key and its account."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from tradewinds.gateways.ccxt_markets import instrument_from, number
from tradewinds.gateways.ccxt_orders import borrowed
from tradewinds.gateways.permissions import COINBASE, Ask, KeyRejected
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.instrument import Instrument

CCXT_IDS: Final = {
    "binance-spot": "binance",
    "binance-usdm": "binanceusdm",
    "coinbase": "coinbase",
}
ACCOUNT_FIELDS: Final = {
    "binance-spot": "uid",
    "binance-usdm": "accountAlias",
    "coinbase": "portfolio_uuid",
}
SPOT_ALONE: Final = {"fetchMarkets": {"types": ["spot"]}}
PATIENCE_S: Final = 15.0
NS_PER_MS: Final = 1_000_000
WORDS_MAX: Final = 200
MASK: Final = "****"
CLOCK_WORDS: Final = "it refused our time of day: set the clock (`timedatectl set-ntp true`)"


class KeyAccess(Struct, frozen=True, kw_only=True):
    """Whose key, where. `key` and `secret` are None for public questions.

    `environment` is production, testnet or demo. `session` replaces the connections (for tests).
    """

    venue: str
    environment: str = "production"
    key: str | None = None
    secret: str | None = None
    session: Any = None

    def __repr__(self) -> str:
        return f"KeyAccess({self.venue}, {self.environment}, {MASK})"


class ClockReading(Struct, frozen=True, kw_only=True):
    """`offset_ms`: the venue's clock minus ours, good to half of `round_trip_ms`."""

    offset_ms: float
    round_trip_ms: float


@contextlib.asynccontextmanager
async def client_of(access: KeyAccess) -> AsyncIterator[Any]:
    """A client, closed afterwards. Never verbose: ccxt would print headers and keys."""
    import ccxt.async_support as ccxt

    settings: dict[str, Any] = {"enableRateLimit": True, "timeout": round(PATIENCE_S * 1000)}
    if access.venue == "binance-spot":
        settings["options"] = SPOT_ALONE
    if access.key is not None:
        settings |= {"apiKey": access.key, "secret": access.secret}
    settings |= borrowed(access.session)
    client = getattr(ccxt, CCXT_IDS[access.venue])(settings)
    # Otherwise ccxt asks for all coins with the key before it looks at a single market.
    client.has["fetchCurrencies"] = False
    if access.environment == "testnet":
        client.set_sandbox_mode(True)
    elif access.environment == "demo":
        client.enable_demo_trading(True)
    try:
        yield client
    finally:
        await client.close()


def ask_ccxt(client: Any, access: KeyAccess) -> Ask:
    """The question for `permissions_of`, signed by ccxt as every order will be."""

    async def ask() -> Mapping[str, Any]:
        method = (
            client.v3_private_get_brokerage_key_permissions
            if access.venue == COINBASE
            else client.sapi_get_account_apirestrictions
        )
        answer = await answered(method, access)
        if not isinstance(answer, Mapping):
            raise VenueUnavailable("its answer is not a list of rights")
        return answer

    return ask


async def venue_clock(client: Any, access: KeyAccess) -> ClockReading:
    """The best of three questions: the one that was answered fastest. Raises VenueUnavailable."""
    best: ClockReading | None = None
    for _ in range(3):
        sent_ns = time.time_ns()
        told_ms = number(await answered(client.fetch_time, access))
        back_ns = time.time_ns()
        if told_ms is None:
            raise VenueUnavailable("it told no time")
        reading = ClockReading(
            offset_ms=told_ms - (sent_ns + back_ns) / 2 / NS_PER_MS,
            round_trip_ms=(back_ns - sent_ns) / NS_PER_MS,
        )
        if best is None or reading.round_trip_ms < best.round_trip_ms:
            best = reading
    assert best is not None
    return best


async def instruments_at(
    client: Any, access: KeyAccess, symbols: Sequence[str]
) -> tuple[Instrument, ...]:
    """Filters and listed fees of those symbols the venue has. Raises VenueUnavailable."""
    await answered(client.load_markets, access)
    markets = [client.markets[symbol] for symbol in symbols if symbol in client.markets]
    made = [instrument_from(market, access.venue, client.precisionMode) for market in markets]
    return tuple(instrument for instrument in made if instrument is not None)


async def account_fees(client: Any, access: KeyAccess, symbol: str) -> tuple[float, float] | None:
    """Maker and taker fee of this account as fractions; None where the venue does not tell.

    Load the instruments first. Raises KeyRejected or VenueUnavailable.
    """

    async def question() -> Any:
        return await client.fetch_trading_fee(symbol)

    async def all_questions() -> Any:
        return (await client.fetch_trading_fees()).get(symbol)

    found = await answered(question if client.has.get("fetchTradingFee") else all_questions, access)
    if not isinstance(found, Mapping):
        return None
    maker, taker = number(found.get("maker")), number(found.get("taker"))
    return None if maker is None or taker is None else (maker, taker)


async def account_named(client: Any, access: KeyAccess) -> str:
    """What the venue itself calls the account behind the key, whichever key leads there; '' where
    it does not say. Raises KeyRejected or VenueUnavailable."""

    async def question() -> Any:
        if access.venue == COINBASE:
            return await client.v3_private_get_brokerage_key_permissions()
        if access.venue == "binance-usdm":
            return await client.fapiprivatev3_get_balance()
        return await client.private_get_account({"omitZeroBalances": "true"})

    found = await answered(question, access)
    rows = found if isinstance(found, Sequence) else (found,)
    names = {row.get(ACCOUNT_FIELDS[access.venue]) for row in rows if isinstance(row, Mapping)}
    told = sorted(str(name) for name in names if name)
    return told[0] if len(told) == 1 else ""


async def answered(question: Callable[[], Awaitable[Any]], access: KeyAccess) -> Any:
    """The answer. Raises KeyRejected or VenueUnavailable in words without the key.

    ccxt's own exceptions end here, unchained: some quote the request with its signature.
    """
    import ccxt

    try:
        async with asyncio.timeout(PATIENCE_S):
            return await question()
    except (ccxt.AuthenticationError, ccxt.PermissionDenied) as error:
        raise KeyRejected(
            f"{access.venue} does not take this key: {_words(error, access)}; check key, secret, "
            "environment and the IP addresses it is limited to"
        ) from None
    except ccxt.InvalidNonce:
        raise VenueUnavailable(CLOCK_WORDS) from None
    except ccxt.NetworkError as error:
        # Its text is the whole request.
        raise VenueUnavailable(f"no answer ({type(error).__name__})") from None
    except (TimeoutError, OSError) as error:
        raise VenueUnavailable(f"no answer ({type(error).__name__})") from None
    except ccxt.BaseError as error:
        raise VenueUnavailable(_words(error, access)) from None


def _words(error: Exception, access: KeyAccess) -> str:
    """What the venue said, on one line, without the key."""
    text = " ".join(str(error).split())
    for secret in (access.key, access.secret):
        if secret:
            text = text.replace(secret, MASK)
    return text[:WORDS_MAX]
