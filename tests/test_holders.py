"""A key's label says nothing of whose it is: another exchange account is another account here."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.test_engagement import played
from tradewinds import accounts, assemble, going_live, venues
from tradewinds.config import AccountSettings, Settings
from tradewinds.gateways.key_client import KeyAccess, account_named
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import RunStarted
from tradewinds.model.ids import Asset, RunId
from tradewinds.options import TESTNET, RunOptions
from tradewinds.parts import NO_TERMS, Holder, Recipe, engine_settings_of, recipe_text
from tradewinds.store.database import Database, open_database
from tradewinds.store.journal import StoreJournal
from tradewinds.vault.keys import KeyVenue
from tradewinds.venues import Reach

NAME = "main-testnet-binance-spot-main"
SPOT, USDM = "binance-spot", "binance-usdm"


def holder(account: str = "11", key: str = "a", product: str = SPOT) -> Holder:
    return Holder(product=product, account=account, key=key)


def database_in(home: Path) -> Database:
    return open_database(f"sqlite:///{home / 'tradewinds.db'}")


def journalled(
    database: Database, run: str, holders: Sequence[Holder], name: str = NAME, **changes: Any
) -> None:
    """A run that was started for these."""
    recipe = Recipe(engine=engine_settings_of(Settings()), params={}, holders=tuple(holders))
    fields: dict[str, Any] = {
        "run_id": RunId(run),
        "account": name,
        "instruments": (),
        "opening_balances": {Asset("USDT"): Decimal(1000)},
        "checkpoint": None,
        "settings": recipe_text(recipe),
        "venue_time_ns": 1,
        "received_time_ns": 1,
    }
    journal = StoreJournal(database, name, RunId(run))
    journal.append_event(RunStarted(**(fields | changes)))
    journal.flush(None)


def refused(database: Database, *now: Holder) -> str:
    try:
        accounts.require_same_holders(database, NAME, now)
    except ConfigError as error:
        return str(error)
    return ""


def test_another_account_under_the_same_label_is_refused_with_the_way_on(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    assert refused(database, holder()) == "", "a first start"
    journalled(database, "r1", [holder()])
    assert refused(database, holder()) == ""
    told = refused(database, holder(account="22", key="b"))
    assert NAME in told
    assert "account 22" in told
    assert "account 11" in told
    assert "keys add" in told
    other = NAME.replace("-main", "-other")
    accounts.require_same_holders(database, other, [holder(account="22")])


def test_a_new_key_of_the_same_account_goes_on(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    journalled(database, "r1", [holder(key="a")])
    assert refused(database, holder(key="b")) == ""


def test_where_the_venue_names_no_account_the_key_stands_for_it(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    journalled(database, "r1", [holder(account="", key="a")])
    assert refused(database, holder(account="", key="a")) == ""
    assert "key b" in refused(database, holder(account="", key="b"))
    assert refused(database, holder(account="11", key="a")) == "", "it has begun to tell"


def test_each_product_is_its_own_and_the_newest_word_counts(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    journalled(database, "r1", [holder("11"), holder("ab", product=USDM)])
    journalled(database, "r2", [])
    assert refused(database, holder("11"), holder("ab", product=USDM)) == ""
    assert "binance-usdm account cd" in refused(database, holder("11"), holder("cd", product=USDM))


def test_runs_of_an_earlier_program_say_nothing_of_it(tmp_path: Path) -> None:
    database = database_in(tmp_path)
    journalled(database, "r1", (), settings='{"mode":"paper"}')
    journalled(database, "r2", (), settings="")
    assert refused(database, holder()) == ""


names = st.sampled_from(["", "1", "2"])
holders = st.builds(holder, account=names, key=st.sampled_from("ab"))


@given(holders, holders)
def test_being_the_same_goes_both_ways(one: Holder, other: Holder) -> None:
    assert one.is_same(one)
    assert one.is_same(other) == other.is_same(one)
    if one.account and other.account:
        assert one.is_same(other) == (one.account == other.account)


def test_the_engine_refuses_before_it_looks_at_the_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(account=AccountSettings(name="main"))
    journalled(assemble.database_of(settings, tmp_path), "r1", [holder()])
    reach = Reach(
        mode=TESTNET, product=KeyVenue.BINANCE_SPOT, name="binance-spot-main", key="k", secret="s"
    )
    looked: list[str] = []

    async def reach_for(*given: Any) -> Any:
        return reach, NO_TERMS

    async def holders_of(asked: Reach) -> Any:
        return (holder(account=told[0]),)

    async def source_at(*given: Any) -> Any:
        looked.append("market")
        raise ConfigError("far enough")

    monkeypatch.setattr(going_live, "reach_for", reach_for)
    monkeypatch.setattr(venues, "holders_of", holders_of)
    monkeypatch.setattr(venues, "source_at", source_at)
    options = RunOptions(home=tmp_path, mode=TESTNET, key="binance-spot:main")
    for account, reason in (("22", "another account of the venue"), ("11", "far enough")):
        told = [account]
        with pytest.raises(ConfigError, match=reason):
            asyncio.run(assemble._trade(settings, options, (None, ()), None))  # type: ignore[arg-type]
    assert looked == ["market"]


@pytest.mark.parametrize("product", [KeyVenue.BINANCE_SPOT, KeyVenue.BINANCE_USDM])
def test_two_keys_of_an_account_are_one_holder_and_two_accounts_are_two(product: KeyVenue) -> None:
    async def play(scene: Any) -> None:
        again = scene.practice.keyring.issue(scene.key.account)
        stranger = scene.practice.customer("stranger", USDT="5")
        found = []
        for key in (scene.key, again, stranger):
            reach = replace(
                scene.engagement._reach, product=product, key=key.key, secret=key.secret
            )
            (each,) = await venues.holders_of(reach)
            found.append(each)
        first, second, other = found
        assert first.account
        assert first.key != second.key
        assert first.is_same(second)
        assert not first.is_same(other)
        assert scene.key.key not in repr(found)

    played(play)


class Client:
    """Answers as told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def private_get_account(self, params: Any) -> Any:
        return self.answer

    async def fapiprivatev3_get_balance(self) -> Any:
        return self.answer

    async def v3_private_get_brokerage_key_permissions(self) -> Any:
        return self.answer


@pytest.mark.parametrize(
    ("venue", "answer", "account"),
    [
        (SPOT, {"uid": 354937868}, "354937868"),
        (SPOT, {"balances": []}, ""),
        (USDM, [{"accountAlias": "SgsR"}, {"accountAlias": "SgsR"}], "SgsR"),
        (USDM, [], ""),
        (USDM, [{"accountAlias": "a"}, {"accountAlias": "b"}], ""),
        ("coinbase", {"portfolio_uuid": "u-1"}, "u-1"),
        ("coinbase", {"portfolio_uuid": ""}, ""),
        (SPOT, "nonsense", ""),
    ],
)
def test_what_the_venue_calls_the_account(venue: str, answer: Any, account: str) -> None:
    found = account_named(Client(answer), KeyAccess(venue=venue))
    assert asyncio.run(found) == account


def test_no_answer_is_no_account() -> None:
    async def silent(params: Any) -> Any:
        raise TimeoutError

    client = Client(None)
    client.private_get_account = silent  # type: ignore[method-assign]
    with pytest.raises(VenueUnavailable):
        asyncio.run(account_named(client, KeyAccess(venue=SPOT)))
