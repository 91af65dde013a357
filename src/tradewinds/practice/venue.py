"""The practice venue put together: start it, trade on it, break it, look inside."""

import ssl
import tempfile
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from msgspec import Struct

from tradewinds.practice.accounts import ApiKey, Keyring
from tradewinds.practice.binance import coinm, hosts
from tradewinds.practice.binance.desk import Desk, RestSite, Rules
from tradewinds.practice.binance.guard import Guard
from tradewinds.practice.binance.spot import Spot
from tradewinds.practice.binance.usdm import Usdm
from tradewinds.practice.certificate import Certificate, make_certificate
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.coinbase.advanced import Coinbase
from tradewinds.practice.faults import FaultPlan
from tradewinds.practice.listing import Listing
from tradewinds.practice.record import Record
from tradewinds.practice.resolver import client_session
from tradewinds.practice.server import Server


class VenueSettings(Struct, frozen=True, kw_only=True):
    """`latency_s` is one way. `port` 0 takes a free one."""

    seed: int = 0
    port: int = 0
    latency_s: float = 0.0
    spot: tuple[Listing, ...] = ()
    usdm: tuple[Listing, ...] = ()
    coinbase: tuple[Listing, ...] = ()


class PracticeVenue:
    """`async with PracticeVenue(...) as venue`. Everything on it is synchronous but the start.

    Use it from the loop it runs on; from another thread through `threaded.py`.
    """

    def __init__(self, settings: VenueSettings, clock: VenueClock | None = None) -> None:
        self.settings = settings
        self.clock = clock or VenueClock()
        self.faults = FaultPlan(self.clock, settings.seed)
        self.record = Record()
        self.keyring = Keyring(settings.seed)
        guard = Guard(self.keyring, self.clock)
        self.spot = Spot(self.clock, settings.spot, guard, self.faults, self.record)
        self.usdm = Usdm(self.clock, settings.usdm, guard, self.faults)
        self.coinbase = Coinbase(self.clock, settings.coinbase, self.keyring, settings.seed)
        sites = [
            *self.spot.sites(),
            *self.usdm.sites(),
            *self.coinbase.sites(),
            RestSite("coinm", hosts.COINM_REST, _coinm(guard, self.clock)),
        ]
        self.server = Server(sites, self.clock, self.faults, self.record)
        self.server.latency_s = settings.latency_s
        self._folder = tempfile.TemporaryDirectory(prefix="practice-venue-")
        self.certificate: Certificate = make_certificate(self.server.hosts, Path(self._folder.name))

    @property
    def hosts(self) -> frozenset[str]:
        """Every host name that is played."""
        return self.server.hosts

    @property
    def port(self) -> int:
        """Where it listens on this machine, once started."""
        return self.server.port

    async def start(self) -> None:
        """Listen."""
        await self.server.start(self.certificate.server_context(), self.settings.port)

    async def stop(self) -> None:
        """Close every connection and forget the certificate."""
        await self.server.stop()
        self._folder.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def client_context(self) -> ssl.SSLContext:
        """Trusts this venue and nothing else."""
        return self.certificate.client_context()

    def session(self) -> aiohttp.ClientSession:
        """For aiohttp clients: production names lead here, others are refused. Close it."""
        return client_session(self.hosts, self.port, self.client_context())

    def customer(self, name: str = "trader", **balances: str) -> ApiKey:
        """An account with these spot balances, and a key to it: `customer(USDT="1000")`."""
        amounts = {asset: Decimal(amount) for asset, amount in balances.items()}
        return self.keyring.issue(self.keyring.open_account(name, amounts))

    def advance(self, seconds: float) -> None:
        """Let time pass at once, with everything it brings."""
        self.clock.advance(seconds)
        self.server.tick()


def _coinm(guard: Guard, clock: VenueClock) -> Desk:
    rules = Rules(weight=2_400, orders=(), refusals={}, orders_are_free=False)
    return Desk(coinm.endpoints(clock), guard, clock, rules)
