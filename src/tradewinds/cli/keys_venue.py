"""Questions to a venue about a key and its account, each with an answer even without a network."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tradewinds.gateways.key_client import (
    ClockReading,
    KeyAccess,
    account_fees,
    ask_ccxt,
    client_of,
    instruments_at,
    venue_clock,
)
from tradewinds.gateways.permissions import KeyRejected, Permissions, Unverified, permissions_of
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.instrument import Instrument
from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.keys import ApiKey, Environment


class Survey(Struct, frozen=True, kw_only=True):
    """What a venue told. `trouble` says why there is nothing more; None elsewhere: not told.

    `fees` are the account's, maker and taker, as fractions, of the first instrument.
    """

    clock: ClockReading | None = None
    rights: Permissions | Unverified | None = None
    instruments: tuple[Instrument, ...] = ()
    fees: tuple[float, float] | None = None
    trouble: str = ""


def access_of(key: ApiKey) -> KeyAccess:
    """What a client of this key needs."""
    return KeyAccess(
        venue=key.name.venue,
        environment=key.environment,
        key=key.key.reveal(),
        secret=key.secret.reveal(),
    )


def rights_of(key: ApiKey) -> Permissions | Unverified:
    """Ask the venue. Raises KeyRefused when it does not take the key at all."""
    if key.environment is not Environment.PRODUCTION:
        return Unverified(reason=f"not checked: a {key.environment} does not tell a key's rights")

    async def ask() -> Permissions | Unverified:
        access = access_of(key)
        async with client_of(access) as client:
            return await permissions_of(access.venue, ask_ccxt(client, access))

    try:
        return asyncio.run(ask())
    except KeyRejected as error:
        raise KeyRefused(str(error)) from None


def survey(access: KeyAccess, symbols: Sequence[str]) -> Survey:
    """Clock, rights, instruments and fees, as far as the venue tells them. Raises nothing."""
    return asyncio.run(_survey(access, symbols))


async def _survey(access: KeyAccess, symbols: Sequence[str]) -> Survey:
    async with client_of(access) as client:
        try:
            clock = await venue_clock(client, access)
        except (VenueUnavailable, KeyRejected) as error:
            return Survey(trouble=str(error))
        rights = await _rights(client, access)
        try:
            instruments = await instruments_at(client, access, symbols)
        except (VenueUnavailable, KeyRejected) as error:
            return Survey(clock=clock, rights=rights, trouble=str(error))
        fees = await _fees(client, access, instruments)
    return Survey(clock=clock, rights=rights, instruments=instruments, fees=fees)


async def _rights(client: Any, access: KeyAccess) -> Permissions | Unverified | None:
    if access.key is None or access.environment != Environment.PRODUCTION:
        return None
    try:
        return await permissions_of(access.venue, ask_ccxt(client, access))
    except KeyRejected as error:
        return Unverified(reason=str(error))


async def _fees(
    client: Any, access: KeyAccess, instruments: Sequence[Instrument]
) -> tuple[float, float] | None:
    if access.key is None or not instruments:
        return None
    try:
        return await account_fees(client, access, instruments[0].symbol)
    except (VenueUnavailable, KeyRejected):
        return None
