"""Two data folders on one account: the second sees the first, even while nothing rests there."""

from pathlib import Path

import pytest

from tests.test_engagement import Scene, played
from tests.test_holders import database_in, journalled
from tradewinds import accounts
from tradewinds.model.errors import ConfigError
from tradewinds.store.lease import Lease

OTHER = "0123456789"


async def bought(scene: Scene, name: str) -> None:
    """At market, by whoever names orders so: nothing is left standing."""
    await scene.engagement.begin(None)
    exchange = scene.engagement.venue._client.exchange  # type: ignore[attr-defined]
    request = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    await exchange.privatePostOrder({**request, "newClientOrderId": name})


def test_another_that_has_just_traded_is_refused_with_the_way_on() -> None:
    async def play(scene: Scene) -> None:
        await bought(scene, f"tw-{OTHER}-7")
        with pytest.raises(ConfigError, match=f"--take-over {OTHER}") as found:
            await scene.engagement.begin(None, ())
        assert f"tw-{OTHER}-7" in str(found.value)
        past = None
        await scene.engagement.begin(past, {OTHER})
        await scene.engagement.begin(past, (), {OTHER})

    played(play)


def test_what_the_user_trades_by_hand_is_nobodys_run() -> None:
    async def play(scene: Scene) -> None:
        await bought(scene, "by-hand")
        await scene.engagement.begin(None, ())

    played(play)


def test_a_resumed_account_looks_too() -> None:
    async def play(scene: Scene) -> None:
        past = (await scene.begin()).engine.checkpoint()
        await bought(scene, f"tw-{OTHER}-7")
        with pytest.raises(ConfigError, match=OTHER):
            await scene.engagement.begin(past, {"aaaaaaaaaa"})

    played(play)


def test_runs_that_ended_here_trade_no_more_and_those_that_hold_a_lease_do(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    journalled(database, "r1", (), name="one")
    journalled(database, "r2", (), name="two")
    assert accounts.runs_ended(database) == {"r1", "r2"}
    lease = Lease(database, "two", "r2")
    lease.acquire(accounts.time.time_ns(), accounts.LEASE_TTL_NS)
    assert accounts.runs_ended(database) == {"r1"}
    lease.release()
    assert accounts.runs_ended(database) == {"r1", "r2"}
