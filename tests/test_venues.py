"""Each mode speaks with its own hosts and keeps its own account; none is mixed with another."""

import asyncio
import itertools
import socket
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.contract.rigs import perpetual_instrument, spot_instrument
from tradewinds import venues
from tradewinds.cli.store_access import is_of, kind_of
from tradewinds.config import Settings
from tradewinds.gateways.joint_venue import JointVenue
from tradewinds.gateways.key_client import KeyAccess
from tradewinds.gateways.link import Wire
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.market import Quote
from tradewinds.options import DEMO, LIVE, PRACTICE, TESTNET
from tradewinds.practice.presets import spot_listings, usdm_listings
from tradewinds.practice.resolver import LoopbackResolver
from tradewinds.practice.venue import PracticeVenue, VenueSettings
from tradewinds.vault.keys import ApiKey, Environment, KeyVenue, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.venues import Reach

D = Decimal
PLAYGROUNDS = {
    TESTNET: ("testnet", "binancefuture"),
    DEMO: ("demo", "binancefuture"),
}
MODES = (PRACTICE, TESTNET, DEMO, LIVE)


class Noting(LoopbackResolver):
    """Remembers every host that is asked for."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.asked: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> Any:
        self.asked.add(host)
        return await super().resolve(host, port, family)


def reach(mode: str, product: KeyVenue = KeyVenue.BINANCE_SPOT, **how: Any) -> Reach:
    plain = {"key": "k", "secret": "s", "name": "binance-spot-main"}
    return Reach(mode=mode, product=product, **(plain | how))


async def first_quote(feed: Any) -> Quote:
    batches = feed.batches()
    try:
        async with asyncio.timeout(10):
            async for batch in batches:
                for event in batch:
                    if isinstance(event, Quote):
                        return event
    finally:
        await batches.aclose()
    raise AssertionError("no quote")


async def moving(practice: PracticeVenue) -> None:
    """A stream tells of changes only."""
    for step in itertools.count():
        bid = D(19_999) - step % 7
        for exchange in (practice.spot.exchange, practice.usdm.exchange):
            exchange.quote("BTCUSDT", [(bid, D(9))], [(D(20_001), D(9))])
        await asyncio.sleep(0.02)


def hosts_asked(mode: str, product: KeyVenue, *, joint: bool = False) -> set[str]:
    """By market data and by orders, from the first question to the user's stream."""

    async def play() -> set[str]:
        settings = VenueSettings(spot=spot_listings(), usdm=usdm_listings())
        async with PracticeVenue(settings) as practice:
            key = practice.customer(USDT="1000")
            practice.usdm.fund_wallet(key.account, D(1000))
            market = asyncio.create_task(moving(practice))
            resolver = Noting(practice.hosts, practice.port)
            context = practice.client_context()
            door = aiohttp.TCPConnector(resolver=resolver, ssl=context, use_dns_cache=False)
            async with aiohttp.ClientSession(connector=door) as session:
                way = reach(
                    mode,
                    product,
                    key=key.key,
                    secret=key.secret,
                    perpetual_keys=(key.key, key.secret) if joint else None,
                    session=session,
                    wire=Wire(resolver=resolver, context=context),
                )
                symbols = venues.symbols_at(way, ("BTC/USDT", "ETH/BTC"), "USDT")
                live = await venues.market_at(way, symbols)
                await first_quote(live.feed)
                wanted = [i for i in live.feed.instruments if i.base == "BTC"]
                orders: Any = venues.orders_at(way, wanted)
                await orders.connect()
                await orders.read_state()
                talk = asyncio.create_task(orders.run())
                parts = orders.parts.values() if joint else (orders,)
                async with asyncio.timeout(10):
                    while not all(part.stream.up for part in parts):  # noqa: ASYNC110 - a condition of another's
                        await asyncio.sleep(0.01)
                talk.cancel()
                await asyncio.wait({talk})
                await orders.close()
            market.cancel()
            return resolver.asked

    return asyncio.run(play())


@pytest.mark.parametrize("mode", sorted(PLAYGROUNDS))
@pytest.mark.parametrize("product", [KeyVenue.BINANCE_SPOT, KeyVenue.BINANCE_USDM])
def test_a_playground_never_touches_a_host_of_real_money(mode: str, product: KeyVenue) -> None:
    asked = hosts_asked(mode, product)
    assert asked
    stray = {host for host in asked if not any(word in host for word in PLAYGROUNDS[mode])}
    assert stray == set()


@pytest.mark.parametrize("mode", sorted(PLAYGROUNDS))
def test_nor_do_both_products_of_a_playground(mode: str) -> None:
    asked = hosts_asked(mode, KeyVenue.BINANCE_SPOT, joint=True)
    apart = [hosts_asked(mode, p) for p in (KeyVenue.BINANCE_SPOT, KeyVenue.BINANCE_USDM)]
    assert asked == apart[0] | apart[1]


def test_real_money_and_its_rehearsal_speak_with_the_same_hosts() -> None:
    asked = hosts_asked(LIVE, KeyVenue.BINANCE_SPOT)
    assert asked == hosts_asked(PRACTICE, KeyVenue.BINANCE_SPOT)
    assert not [host for host in asked if "testnet" in host or "demo" in host]


def test_no_two_modes_and_no_two_keys_share_an_account() -> None:
    kinds = {venues.kind_of(reach(mode, name=name)) for mode in MODES for name in ("a", "b")}
    assert len(kinds) == 2 * len(MODES)
    assert not [kind for kind in kinds if kind.partition("-")[0] in ("live", "replay", "synthetic")]
    for kind in kinds:
        assert is_of(f"paper-{kind}", "paper"), "report and audit find it"
        assert kind_of(f"paper-{kind}", "paper") == kind.partition("-")[0]


def test_only_money_that_is_real_is_called_so() -> None:
    labels = {mode: reach(mode).label for mode in MODES}
    assert labels[LIVE] == "REAL binance-spot"
    assert len(set(labels.values())) == len(MODES)
    assert not [label for mode, label in labels.items() if mode != LIVE and "REAL" in label]


def test_perpetuals_are_those_that_the_accounts_money_settles() -> None:
    wanted = ("BTC/USDT", "BTC/USDC", "ETH/BTC", "ETH/USDT:USDT")
    futures = reach(TESTNET, KeyVenue.BINANCE_USDM)
    assert venues.symbols_at(futures, wanted, "USDT") == ("BTC/USDT:USDT", "ETH/USDT:USDT")


def both(mode: str = PRACTICE, **how: Any) -> Reach:
    return reach(mode, perpetual_keys=("k2", "s2"), **how)


def test_of_both_products_each_symbol_is_what_it_says_or_all_are_both() -> None:
    assert venues.symbols_at(both(), ("BTC/USDT", "ETH/BTC"), "USDT") == (
        "BTC/USDT",
        "ETH/BTC",
        "BNB/USDT",
        "BTC/USDT:USDT",
    )
    named = venues.symbols_at(both(), ("BTC/USDT", "ETH/USDT:USDT"), "USDT")
    assert named == ("BTC/USDT", "BNB/USDT", "ETH/USDT:USDT")
    assert venues.symbols_at(both(), named, "USDT") == named


def test_both_products_need_a_market_each() -> None:
    spot, perpetual = spot_instrument(), perpetual_instrument()
    for alone, lacking in ((spot, "perpetual"), (perpetual, "spot")):
        with pytest.raises(ConfigError, match=f"no {lacking} market"):
            venues.orders_at(both(), [alone])
    assert isinstance(venues.orders_at(both(), [spot, perpetual]), JointVenue)


def test_the_rights_of_both_products_are_asked_with_the_key_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {"binance-spot": "", "binance-usdm": "it can withdraw"}
    asked: list[tuple[str, str | None]] = []

    async def why_refused(access: KeyAccess) -> str:
        asked.append((access.venue, access.key))
        return told[access.venue]

    monkeypatch.setattr(venues, "_why_refused", why_refused)
    assert asyncio.run(venues.why_refused(both(LIVE))) == "binance-usdm: it can withdraw"
    assert asked == [("binance-spot", "k"), ("binance-usdm", "k2")]
    told["binance-usdm"] = ""
    assert asyncio.run(venues.why_refused(both(LIVE))) == ""
    assert asyncio.run(venues.why_refused(reach(LIVE))) == ""
    assert len(asked) == 5, "one product is asked for one"


def test_accounts_of_both_products_are_told_apart_by_both_keys() -> None:
    def key(name: str) -> ApiKey:
        secret = Secret(name)
        parts = {"environment": Environment.TESTNET, "key": secret, "secret": secret}
        return ApiKey(name=parse_name(name), **parts)

    spot = key("binance-spot:a")
    ways = [
        venues.reach_of_key(spot, TESTNET),
        venues.reach_of_key(spot, TESTNET, spot),
        venues.reach_of_key(spot, TESTNET, key("binance-usdm:a-b")),
        venues.reach_of_key(key("binance-spot:a-b"), TESTNET, key("binance-usdm:x")),
    ]
    kinds = [venues.kind_of(way) for way in ways]
    assert kinds[1:] == [
        "testnet-binance-both-a",
        "testnet-binance-both-a.a-b",
        "testnet-binance-both-a-b.x",
    ]
    assert len(set(kinds)) == 4
    assert ways[2].seats[1] == (KeyVenue.BINANCE_USDM, "binance-usdm:a-b", "binance-usdm:a-b")
    assert "binance-spot and binance-usdm" in ways[1].label


def test_coinbase_is_practised_on_with_the_accounts_money_alone() -> None:
    wanted = ("BTC/USDT", "BTC/USDC", "ETH/BTC")
    assert venues.symbols_at(reach(PRACTICE, KeyVenue.COINBASE), wanted, "USDT") == ("BTC/USDT",)
    assert venues.symbols_at(reach(LIVE, KeyVenue.COINBASE), wanted, "USDT") == wanted


def test_the_coin_that_fees_may_be_paid_in_is_watched() -> None:
    symbols = venues.symbols_at(reach(LIVE), Settings().feed.symbols, "USDT")
    assert "BNB/USDT" in symbols


def test_rights_that_nobody_tells_are_not_taken_for_granted() -> None:
    class Silent:
        """Names that lead nowhere."""

        async def resolve(self, *_: Any, **__: Any) -> Any:
            raise OSError("no network")

        async def close(self) -> None:
            """Nothing is held."""

    async def ask(mode: str) -> str:
        door = aiohttp.TCPConnector(resolver=Silent())  # type: ignore[arg-type]
        async with aiohttp.ClientSession(connector=door) as session:
            return await venues.why_refused(reach(mode, session=session))

    for mode in (LIVE, PRACTICE):
        with pytest.raises(VenueUnavailable, match="could not be checked"):
            asyncio.run(ask(mode))
    assert asyncio.run(ask(TESTNET)) == "", "a testnet tells nothing, and nothing there is money"
