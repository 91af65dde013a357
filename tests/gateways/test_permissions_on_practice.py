"""Unmodified ccxt asks the practice venue, under production host names, what a key may do."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from tradewinds.cli import keys_venue
from tradewinds.gateways.key_client import (
    KeyAccess,
    account_fees,
    ask_ccxt,
    client_of,
    instruments_at,
    venue_clock,
)
from tradewinds.gateways.permissions import (
    KeyRejected,
    Permissions,
    Unverified,
    advice,
    permissions_of,
    refusal,
)
from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.presets import spot_listings
from tradewinds.practice.venue import PracticeVenue, VenueSettings

Question = Callable[[Any, KeyAccess], Awaitable[Any]]


def asked(question: Question, change: Callable[[PracticeVenue, ApiKey], None], **own: Any) -> Any:
    """The answer to a question from a fresh customer's client, after `change`."""

    async def play() -> Any:
        async with PracticeVenue(VenueSettings(spot=spot_listings())) as venue:
            key = venue.customer(USDT="1000")
            change(venue, key)
            async with venue.session() as session:
                plain = {"venue": "binance-spot", "key": key.key, "secret": key.secret}
                access = KeyAccess(session=session, **(plain | own))
                async with client_of(access) as client:
                    return await question(client, access)

    return asyncio.run(play())


async def rights(client: Any, access: KeyAccess) -> Any:
    return await permissions_of(access.venue, ask_ccxt(client, access))


def nothing(venue: PracticeVenue, key: ApiKey) -> None:
    """As it is issued."""


@pytest.mark.parametrize("venue", ["binance-spot", "binance-usdm"])
def test_a_trading_key_is_taken(venue: str) -> None:
    found = asked(rights, nothing, venue=venue)
    assert isinstance(found, Permissions)
    assert refusal(found) is None


@pytest.mark.parametrize("right", ["can_withdraw", "can_transfer"])
def test_a_key_that_can_move_money_is_refused(right: str) -> None:
    found = asked(rights, lambda _, key: setattr(key, right, True))
    assert isinstance(found, Permissions)
    assert "move money" in (refusal(found) or "")


def test_rights_taken_away_and_no_ip_limit_are_seen() -> None:
    found = asked(rights, lambda _, key: setattr(key, "can_trade", False))
    assert "cannot trade" in (refusal(found) or "")
    found = asked(rights, lambda _, key: setattr(key, "ip_restricted", False))
    assert refusal(found) is None
    assert "IP restriction" in advice(found)[0]


def test_a_wrong_secret_and_a_revoked_key_are_rejected_without_being_shown() -> None:
    with pytest.raises(KeyRejected) as caught:
        asked(rights, nothing, secret="canary" * 10)
    assert "canary" not in str(caught.value)
    with pytest.raises(KeyRejected, match="-2015"):
        asked(rights, lambda _, key: setattr(key, "revoked", True))


def test_a_clock_too_far_off_verifies_nothing_and_is_named() -> None:
    found = asked(rights, lambda venue, _: setattr(venue.clock, "offset_ms", -20_000))
    assert isinstance(found, Unverified)
    assert "timedatectl" in found.reason


def test_the_offset_of_the_venues_clock_is_measured() -> None:
    reading = asked(venue_clock, lambda venue, _: setattr(venue.clock, "offset_ms", 5_000))
    assert abs(reading.offset_ms - 5_000) <= reading.round_trip_ms + 5


def test_filters_and_the_accounts_fees_are_read() -> None:
    async def question(client: Any, access: KeyAccess) -> Any:
        found = await instruments_at(client, access, ("BTC/USDT", "NOSUCH/USDT"))
        return found, await account_fees(client, access, "BTC/USDT")

    (instrument,), fees = asked(question, nothing)
    assert (instrument.tick_size, instrument.min_notional) == (Decimal("0.01"), Decimal(5))
    assert fees is not None
    assert 0 < fees[1] < 0.01


@pytest.mark.parametrize("environment", ["testnet", "demo"])
def test_a_playground_tells_clock_and_filters_but_no_rights(environment: str) -> None:
    async def question(client: Any, access: KeyAccess) -> Any:
        return await keys_venue._survey(access, ("BTC/USDT",))

    found = asked(question, nothing, environment=environment)
    assert found.trouble == ""
    assert found.rights is None
    assert found.clock is not None
    assert len(found.instruments) == 1


def test_the_doctor_learns_all_of_it_at_once() -> None:
    async def question(client: Any, access: KeyAccess) -> Any:
        return await keys_venue._survey(access, ("BTC/USDT",))

    found = asked(question, nothing)
    assert found.trouble == ""
    assert isinstance(found.rights, Permissions)
    assert len(found.instruments) == 1
    assert found.clock is not None
    assert found.fees is not None
