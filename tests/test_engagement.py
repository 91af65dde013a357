"""An engine's engagement with a venue: what it begins with, what it is told, how it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.contract.rigs import spot_instrument
from tradewinds import engagement, venues
from tradewinds.config import Settings
from tradewinds.engagement import Engagement
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.gateways.link import Wire
from tradewinds.model import events as ev
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.ids import Asset, run_id
from tradewinds.model.portfolio import TradingState
from tradewinds.options import PRACTICE
from tradewinds.parts import engine_settings_of
from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.presets import spot_listings
from tradewinds.practice.resolver import LoopbackResolver
from tradewinds.practice.venue import PracticeVenue, VenueSettings
from tradewinds.store.memory import MemoryJournal
from tradewinds.vault.keys import KeyVenue
from tradewinds.venues import Reach

USDT = Asset("USDT")
D = Decimal


class Scene:
    """A practice venue with one customer, and an engine that is about to begin there."""

    def __init__(self, practice: PracticeVenue, key: ApiKey, reach: Reach) -> None:
        self.practice = practice
        self.key = key
        self.engagement = Engagement(reach, [spot_instrument()])

    async def begin(self) -> Driver:
        await self.engagement.begin(None)
        engine = Engine(engine_settings_of(Settings()), [])
        driver = Driver(engine, self.engagement.venue, MemoryJournal(), beat_ns=10**9)
        now = time.time_ns()
        driver.start(
            ev.RunStarted(
                run_id=run_id("test", now),
                account="test",
                instruments=(spot_instrument(),),
                opening_balances=self.engagement.opening(USDT),
                checkpoint=None,
                settings="",
                venue_time_ns=now,
                received_time_ns=now,
            ),
            *self.engagement.first(),
        )
        return driver


Play = Callable[[Scene], Awaitable[None]]


def played(play: Play, **balances: str) -> None:
    async def scene() -> None:
        async with PracticeVenue(VenueSettings(spot=spot_listings())) as practice:
            key = practice.customer(**(balances or {"USDT": "1000"}))
            practice.spot.exchange.quote("BTCUSDT", [(D(19_999), D(9))], [(D(20_001), D(9))])
            async with practice.session() as session:
                resolver = LoopbackResolver(practice.hosts, practice.port)
                reach = Reach(
                    mode=PRACTICE,
                    product=KeyVenue.BINANCE_SPOT,
                    name="test",
                    key=key.key,
                    secret=key.secret,
                    session=session,
                    wire=Wire(resolver=resolver, context=practice.client_context()),
                )
                staged = Scene(practice, key, reach)
                await play(staged)
                await staged.engagement.close()

    asyncio.run(scene())


def breaker(driver: Driver) -> Any:
    return driver.engine.floor.breaker


def test_it_opens_with_the_venues_money_and_leaves_the_rest_to_its_owner() -> None:
    async def play(scene: Scene) -> None:
        driver = await scene.begin()
        portfolio = driver.engine.floor.portfolio
        assert dict(portfolio.ledger.balances) == {USDT: D(700)}
        assert portfolio.equity() == 700
        assert breaker(driver).state is TradingState.ACTIVE

    played(play, USDT="700", BTC="2")


def test_nothing_may_be_traded_until_the_reading_has_been_taken_in() -> None:
    async def play(scene: Scene) -> None:
        await scene.engagement.begin(None)
        first, *_, last = scene.engagement.first()
        assert isinstance(first, ev.VenueTroubleChanged)
        assert first.cause == "reconcile"
        assert first.reason
        assert isinstance(last, ev.VenueStateRead)

    played(play)


def test_it_waits_for_a_venue_that_is_silent_and_not_for_what_the_operator_must_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(venues, "PAUSES_S", (0.001,))
    tries = []

    async def work() -> str:
        tries.append(1)
        if len(tries) < 4:
            raise VenueUnavailable("silent")
        return "there"

    assert asyncio.run(venues.patiently("it", work)) == "there"

    async def wrong() -> str:
        raise ConfigError("hedge mode")

    with pytest.raises(ConfigError):
        asyncio.run(venues.patiently("it", wrong))


def test_flat_is_what_the_venue_says_not_what_we_think() -> None:
    async def play(scene: Scene) -> None:
        driver = await scene.begin()
        at_venue = scene.engagement.at_venue(driver)
        assert await at_venue.agrees() == ""
        await placed(scene, "user-order")
        assert await at_venue.agrees() == "", "an order of the user's own is not ours"
        await placed(scene, "tw-0123456789-7")
        assert "tw-0123456789-7" in await at_venue.agrees()
        await scene.practice.server.stop()
        assert "could not be asked" in await at_venue.agrees()

    played(play)


async def placed(scene: Scene, name: str) -> None:
    """Through the venue's own door, as any client would."""
    venue: Any = scene.engagement.venue
    client: Any = venue._client.exchange
    await client.privatePostOrder(
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.001",
            "price": "15000",
            "newClientOrderId": name,
        }
    )


def test_an_account_that_another_data_folder_trades_is_left_alone() -> None:
    async def play(scene: Scene) -> None:
        driver = await scene.begin()
        await placed(scene, "user-order")
        await placed(scene, "tw-0123456789-7")
        with pytest.raises(ConfigError, match="tw-0123456789-7"):
            await scene.engagement.begin(None)
        await scene.engagement.begin(driver.engine.checkpoint())

    played(play)


def test_a_key_that_may_do_more_than_it_should_stops_new_risk_while_we_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    says: list[str | VenueUnavailable] = ["", "it can withdraw", VenueUnavailable("silent"), ""]
    monkeypatch.setattr(engagement, "RIGHTS_EVERY_S", 0.001)
    monkeypatch.setattr(engagement, "RIGHTS_AGAIN_S", 0.001)
    seen: list[tuple[TradingState, str]] = []

    async def play(scene: Scene) -> None:
        driver = await scene.begin()
        over = asyncio.Event()

        async def why_refused(_: Reach) -> str:
            seen.append((breaker(driver).state, breaker(driver).reason))
            if not says:
                over.set()
                await asyncio.sleep(60)
            said = says.pop(0)
            if isinstance(said, VenueUnavailable):
                raise said
            return said

        monkeypatch.setattr(engagement, "why_refused", why_refused)
        _, watch = scene.engagement.at_venue(driver).jobs
        task = asyncio.create_task(watch())
        async with asyncio.timeout(10):
            await over.wait()
        task.cancel()

    played(play)
    states = [state for state, _ in seen]
    active, reducing = TradingState.ACTIVE, TradingState.REDUCING
    assert states == [active, active, reducing, reducing, active]
    assert seen[2][1] == "it can withdraw"


def test_the_way_to_a_venue_shows_no_key() -> None:
    reach = Reach(
        mode=PRACTICE, product=KeyVenue.COINBASE, name="n", key="canary", secret="canary-too"
    )
    assert "canary" not in repr(reach)
    assert "canary" not in str(msgspec.structs.replace(reach, name="other"))
