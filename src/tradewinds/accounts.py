"""Whose money, under which name, and that one engine alone trades it."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from tradewinds.config import Settings
from tradewinds.logs import Log
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.decimals import ZERO, to_decimal
from tradewinds.model.errors import ConfigError, StoreUnavailable
from tradewinds.model.ids import ACCOUNT, Asset, RunId, split_instrument_id
from tradewinds.model.instrument import Instrument
from tradewinds.parts import Holder
from tradewinds.risk.limits import RiskLimits
from tradewinds.sources import Source
from tradewinds.store import queries
from tradewinds.store.database import Database
from tradewinds.store.lease import Lease, holders

LEASE_TTL_NS: Final = 15_000_000_000
LEASE_EVERY_S = 5
"""Tests shorten it."""


def account_of(settings: Settings, source: Source, run: RunId) -> str:
    """Paper, recorded, synthetic and each venue's results never mix; what does not resume begins
    anew."""
    name = f"{settings.account.name}-{source.kind}"
    return name if source.resumes else f"{name}-{run}"


def note_account(home: Path, account: str) -> None:
    """For `report`, `audit` and the pages: which account the last run in this folder traded."""
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "run" / "account").write_text(account, "utf-8")


def checkpoint_of(database: Database, account: str, *, resumes: bool) -> Checkpoint | None:
    """Where the account was left."""
    return queries.checkpoint(database, account) if resumes else None


def with_inventory(
    checkpoint: Checkpoint | None,
    inventory: Mapping[Asset, Decimal],
    at_venue: Mapping[Asset, Decimal] | None,
) -> Checkpoint | None:
    """Assets that the settings have named since, and of which the account has none: counted from
    now on. At a venue no more than lies there beyond what is in the books."""
    if checkpoint is None:
        return None
    ledger, waiting = checkpoint.ledger, dict(checkpoint.waiting)
    own = {lot.asset for lot in ledger.lots if lot.strategy_id == ACCOUNT and lot.quantity}
    known = own | {loan.asset for loan in ledger.loans} | waiting.keys()
    for asset, most in inventory.items():
        room = most
        if at_venue is not None:
            beside = at_venue.get(asset, ZERO) - ledger.balances.get(asset, ZERO)
            room = min(most, beside)
        if asset not in known and room > ZERO:
            waiting[asset] = room
    return structs.replace(checkpoint, waiting=waiting)


def runs_of(database: Database, account: str, taken_over: Iterable[str] = ()) -> frozenset[RunId]:
    """Every run that was journalled under this name, and those its owner has named: their orders
    are the account's."""
    runs = queries.runs(database, account)
    return frozenset((*(run.run_id for run in runs), *map(RunId, taken_over)))


def runs_ended(database: Database) -> frozenset[RunId]:
    """Every run of this database that has ended, under whatever name: none trades beside us."""
    names = queries.accounts(database)
    runs = {run.run_id for name in names for run in queries.runs(database, name)}
    return frozenset(runs - holders(database, time.time_ns(), LEASE_TTL_NS))


def require_same_holders(database: Database, account: str, holders: Sequence[Holder]) -> None:
    """What was journalled under this name was traded in the same accounts of the venue: a key's
    label says nothing of whose it is. Raises ConfigError."""
    known = _last_holders(database, account)
    changed = [
        f"{now.product} {_named(now)} and not {_named(before)}"
        for now in holders
        for before in known
        if now.product == before.product and not now.is_same(before)
    ]
    if changed:
        raise ConfigError(
            f"{account} was traded in another account of the venue: the key under this name leads "
            f"to {'; '.join(changed)}. Put the old account's key back under this label; or add the "
            "new one under a label of its own (`trading-cli keys add VENUE:LABEL`), which begins "
            "an account of its own here"
        )


def _last_holders(database: Database, account: str) -> tuple[Holder, ...]:
    """Of the newest run that noted any; earlier programs noted none."""
    for run in queries.runs(database, account):
        noted = msgspec.json.decode(run.settings or "{}", type=_Noted)
        if noted.holders:
            return noted.holders
    return ()


class _Noted(msgspec.Struct, frozen=True, kw_only=True):
    """Of a run's settings, whatever else they held then."""

    holders: tuple[Holder, ...] = ()


def _named(holder: Holder) -> str:
    return f"account {holder.account}" if holder.account else f"key {holder.key}"


def release(lease: Lease, log: Log) -> None:
    """Free for the next engine, now or when it has run out."""
    try:
        lease.release()
    except StoreUnavailable as error:
        log.warning("lease_not_released", reason=str(error), effect="it expires by itself")


def renewer(lease: Lease) -> Callable[[], None]:
    """Renews every few seconds. Losing the lease ends the engine: it must not trade on."""
    calls = 0
    log = Log("engine")

    def every_second() -> None:
        nonlocal calls
        calls += 1
        if calls < LEASE_EVERY_S:
            return
        try:
            lease.renew(time.time_ns())
            calls = 0
        except StoreUnavailable as error:
            # Nothing new is risked while the store fails; it is tried again in a second.
            log.warning("lease_not_renewed", reason=str(error))

    return every_second


def symbols_held(database: Database, account: str) -> tuple[str, ...]:
    """What an earlier run has open: it must be watched, whatever is wanted today."""
    saved = queries.checkpoint(database, account)
    if saved is None:
        return ()
    open_ = [trade.instrument_id for trade in saved.trades]
    open_ += [order.approved.instrument_id for order in saved.orders]
    return tuple(dict.fromkeys(split_instrument_id(each)[0] for each in open_))


def require_money(opening: Mapping[Asset, Decimal], settings: Settings) -> None:
    """Raises ConfigError for an account that holds none of its own currency."""
    currency = Asset(settings.account.currency)
    if opening.get(currency, ZERO) <= ZERO:
        raise ConfigError(
            f"the venue's account holds no {currency}: put some there, or set account.currency to "
            "what it holds (USDT, USDC, USD...)"
        )


def too_small(
    instruments: Iterable[Instrument], limits: RiskLimits, money: tuple[Asset, Decimal]
) -> tuple[str, ...]:
    """What the limits leave no room for, with so much money: its smallest order is too large."""
    currency, amount = money
    room = min(
        amount * to_decimal(limits.exposure_per_instrument_max), max(ZERO, amount - limits.reserve)
    )
    return tuple(
        f"{each.symbol} (from {each.min_notional:f})"
        for each in instruments
        if each.quote == currency and each.min_notional > room
    )
