"""May this run send orders to that venue? Every no says what is missing, before anything connects.

A playground needs its key. Real money needs a verified key, a passed check-up, a sentence typed by
its owner and promoted strategies; and it begins with a tenth of the limits.
"""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds import clearance
from tradewinds.clearance import (
    Asked,
    Confirmed,
    DoctorPassed,
    NotCleared,
    Promoted,
    Row,
    key_print,
)
from tradewinds.config import Settings, database_url
from tradewinds.live_keys import Keys, keys_for, seats_of, words_of
from tradewinds.model.decimals import ONE
from tradewinds.model.portfolio import Trade
from tradewinds.options import LIVE, PRACTICE, RunOptions
from tradewinds.parts import NO_TERMS, VenueTerms, limits_of, params_of
from tradewinds.practice import connection
from tradewinds.research.promotion import Wish, markets_told, proof_of, unproven
from tradewinds.store import queries
from tradewinds.store.database import open_database
from tradewinds.strategies.parameters import read_parameters
from tradewinds.strategies.registry import load
from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.keys import ApiKey
from tradewinds.vault.secret import Secret
from tradewinds.venues import (
    Reach,
    kind_of,
    patiently,
    practice_found,
    reach_of_key,
    reach_of_practice,
    symbols_at,
    why_refused,
)

DOCTOR_NS: Final = 24 * 3_600_000_000_000
DAY_NS: Final = 86_400_000_000_000
CANARY_SHARE: Final = Decimal("0.1")
PRACTICE_WAIT_S: Final = 30.0
NEEDED: Final = ("clock", "rights", "filters", "fees")
"""Of the checks of a key: each asked and well, or there was no check-up."""
WELL: Final = frozenset({"ok", "note", "warning"})
MORE_IS_RISKIER: Final = (
    "loss_per_trade_max",
    "loss_per_day_max",
    "exposure_per_instrument_max",
    "exposure_total_max",
    "leverage_max",
    "stop_distance_max",
    "kelly_fraction",
    "orders_per_minute_max",
    "drawdown_scale",
    "drawdown_reduce",
    "drawdown_halt",
    "collar_bps",
    "stale_after_s",
    "liquidity_share_quote",
    "liquidity_share_bar",
    "price_jump_max",
)
LESS_IS_RISKIER: Final = (
    "reserve",
    "slippage_allowance_bps",
    "unwind_loss_bps",
    "canary_trades",
    "canary_days",
)


class Canary(Struct, frozen=True, kw_only=True):
    """How far a strategy has come with a tenth of the limits."""

    strategy: str
    trades: int
    days: float
    net: Decimal


class Case(Struct, frozen=True, kw_only=True):
    """What a decision about real money is made of. `now_ns`: when its owner asked for it.

    `perpetual`: the key for USD-M beside spot (it may be the same); None: one product alone.
    `asked_for`: symbols; none: those of the settings.
    """

    settings: Settings
    key: ApiKey
    rows: tuple[Row, ...]
    now_ns: int
    perpetual: ApiKey | None = None
    asked_for: tuple[str, ...] = ()

    @property
    def way(self) -> Reach:
        """There."""
        return reach_of_key(self.key, LIVE, self.perpetual)

    @property
    def account(self) -> str:
        """As the journal will name it."""
        return f"{self.settings.account.name}-{kind_of(self.way)}"

    @property
    def symbols(self) -> tuple[str, ...]:
        """What strategies trade, in the venue's spelling."""
        named = self.asked_for or tuple(self.settings.feed.symbols)
        found = symbols_at(self.way, named, self.settings.account.currency)
        # The rest is there to value fees by.
        return tuple(symbol for symbol in found if symbol in named or ":" in symbol)

    @property
    def seats(self) -> tuple[tuple[str, ApiKey], ...]:
        """Each key under the name of its check-up."""
        return seats_of(self.key, self.perpetual)

    @property
    def named(self) -> str:
        """Every key."""
        return " and ".join(name for name, _ in self.seats)

    @property
    def print(self) -> str:
        """Of the keys' contents."""
        return key_print(" ".join(key.key.reveal() for _, key in self.seats))

    @property
    def words(self) -> str:
        """How they are named on the command line."""
        return words_of(self.key, self.perpetual)


async def reach_for(
    settings: Settings, options: RunOptions, secret: Secret | None
) -> tuple[Reach, VenueTerms]:
    """The engine's own look: what the command line has asked before is asked again here.

    Raises KeyRefused, VaultRefused, NotCleared or ConfigError.
    """
    if options.mode == PRACTICE:
        found = await practice_found(connection.folder_of(options.home), PRACTICE_WAIT_S)
        wanted = options.symbols or settings.feed.symbols
        reach = reach_of_practice(found, wanted, options.at, perpetuals=options.perpetuals)
        terms = NO_TERMS
    else:
        key, perpetual = keys_for(options, secret)
        reach, terms = reach_of_key(key, options.mode, perpetual), NO_TERMS
        if options.mode == LIVE:
            asked_ns = options.cleared_ns or time.time_ns()
            case = case_of(settings, options, (key, perpetual), asked_ns)
            if options.cleared_ns:
                clearance.require_asked(case.rows, asked(case, os.getppid()))
            terms = live_terms(case, options.home)
    reason = await patiently("its key's rights", lambda: why_refused(reach))
    if reason:
        raise KeyRefused(reason)
    return reach, terms


def case_of(settings: Settings, options: RunOptions, keys: Keys, now_ns: int) -> Case:
    """With all that is on record. Raises JournalCorrupt where the record was changed."""
    return Case(
        settings=settings,
        key=keys[0],
        perpetual=keys[1],
        rows=clearance.rows(clearance.path_of(options.home)),
        now_ns=now_ns,
        asked_for=options.symbols,
    )


def missing(case: Case) -> tuple[str, ...]:
    """All that stands against real money but the sentence, each with the way to it."""
    checkups = [_unchecked(case, *seat) for seat in case.seats]
    found = [_unnamed(case), *checkups, _unproven(case)]
    return tuple(reason for reason in found if reason)


def require_cleared(case: Case) -> None:
    """Raises NotCleared naming everything that is missing."""
    reasons = missing(case)
    if reasons:
        listed = "".join(f"\n  - {reason}" for reason in reasons)
        raise NotCleared(f"real money is not traded yet:{listed}")


def _unnamed(case: Case) -> str:
    if case.settings.account.name != "paper":
        return ""
    return 'the account is called paper: give it a name of its own, account.name = "main"'


def _unchecked(case: Case, name: str, key: ApiKey) -> str:
    fix = f"run `trading-cli doctor --live {case.words}`"
    rows = [row for row in case.rows if isinstance(row, DoctorPassed) and row.key == name]
    if not rows:
        return f"no check-up of {name} was passed: {fix}"
    row = rows[-1]
    if row.key_print != key_print(key.key.reveal()):
        return f"the check-up was of another key under the name {name}: {fix}"
    if not 0 <= case.now_ns - row.time_ns <= DOCTOR_NS:
        return f"the check-up of {name} is older than a day: {fix}"
    return "" if not unwell(row.checks, name) else f"{unwell(row.checks, name)}: {fix}"


def unwell(checks: Mapping[str, str], key: str) -> str:
    """What a check-up lacks; '' when it is passed."""
    bad = sorted(name for name, verdict in checks.items() if verdict not in WELL)
    if bad:
        return f"the check-up found faults: {', '.join(bad)}"
    lacking = [name for name in NEEDED if f"{key} {name}" not in checks]
    return f"the check-up could not ask for {', '.join(lacking)}" if lacking else ""


def _unproven(case: Case) -> str:
    if promoted(case):
        return ""
    wanted = "; ".join(unproven(case.rows, wish) for wish in wishes(case))
    return (
        f"no strategy that is switched on has passed its promotion gate with its parameters on "
        f"these symbols: {wanted or 'none is switched on'}. Trade it on paper; a promotion is "
        "recorded when it has proved itself out of sample"
    )


def wishes(case: Case) -> tuple[Wish, ...]:
    """Each strategy that is switched on, on what it is to trade."""
    return tuple(
        Wish(strategy=name, params_hash=digest, symbols=case.symbols)
        for name, digest in hashes(case.settings).items()
    )


def hashes(settings: Settings) -> dict[str, str]:
    """Each strategy that is switched on, with a name of exactly its parameters."""
    found = {}
    for name, given in params_of(settings, {}).items():
        if settings.strategies[name].enabled:
            found[name] = params_hash(name, given)
    return found


def params_hash(strategy: str, given: Mapping[str, object]) -> str:
    """Of all parameters, those left at their defaults too: another default is another strategy."""
    whole = read_parameters(strategy, load(strategy).Params, given)
    text = msgspec.json.encode([strategy, whole], order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


def promoted(case: Case) -> dict[str, Promoted]:
    """The strategies that may trade, with what proved each."""
    found = {wish.strategy: proof_of(case.rows, wish) for wish in wishes(case)}
    return {name: proof for name, proof in found.items() if proof is not None}


def sentence(case: Case) -> str:
    """What the owner types, letter by letter."""
    limits, currency = case.settings.limits, case.settings.account.currency
    return (
        f"I trade real money on {case.account} and may lose {limits.loss_per_trade_max} {currency} "
        f"a trade and {limits.loss_per_day_max} {currency} a day"
    )


def confirmation(case: Case) -> Confirmed | None:
    """The sentence on record for this account and key, if no limit has been widened since."""
    for row in reversed(case.rows):
        if not isinstance(row, Confirmed) or row.account != case.account:
            continue
        same_key = row.key == case.named and row.key_print == case.print
        now = told_limits(case.settings)
        same_money = row.limits.get("currency") == now["currency"]
        return row if same_key and same_money and not widened(row.limits, now) else None
    return None


def confirm(case: Case, typed: str, home: Path) -> None:
    """Put it on record. Raises NotCleared when it is not the sentence."""
    wanted = sentence(case)
    if typed.strip() != wanted:
        raise NotCleared("that is not the sentence: nothing was started")
    row = Confirmed(
        account=case.account,
        key=case.named,
        key_print=case.print,
        sentence=wanted,
        limits=told_limits(case.settings),
        time_ns=case.now_ns,
    )
    clearance.append(clearance.path_of(home), row)


def asked(case: Case, process: int) -> Asked:
    """That its owner asked for this now, and who starts the engine for it."""
    return Asked(account=case.account, key_print=case.print, process=process, time_ns=case.now_ns)


def told_limits(settings: Settings) -> dict[str, str]:
    """Every limit as text, how long it is cut to a tenth, and the money it is in."""
    limits = msgspec.structs.asdict(limits_of(settings)) | settings.live.model_dump()
    told = {name: str(value) for name, value in limits.items()}
    return told | {"currency": settings.account.currency}


def widened(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Limits that allow more than they did, or that nobody was asked about."""
    found = []
    for name, sign in [(n, 1) for n in MORE_IS_RISKIER] + [(n, -1) for n in LESS_IS_RISKIER]:
        if name not in before or sign * (Decimal(now[name]) - Decimal(before[name])) > 0:
            found.append(name)
    return tuple(found)


def live_terms(case: Case, home: Path, closed: Sequence[Trade] | None = None) -> VenueTerms:
    """What real money is traded under. Raises NotCleared."""
    require_cleared(case)
    word = confirmation(case)
    if word is None:
        raise NotCleared(
            "nobody has confirmed in writing that real money is traded on this account with these "
            f"limits and this key: start it with `trading-cli run --live {case.words}`"
        )
    proofs = promoted(case)
    trades = _closed(case, home) if closed is None else closed
    progress = [canary(proofs[name], trades, case.now_ns) for name in sorted(proofs)]
    share = ONE if all(grown(each, case.settings) for each in progress) else CANARY_SHARE
    live = case.settings.live
    told = {
        "account": case.account,
        "key": f"{word.key} {word.key_print}",
        "confirmed": f"{word.sentence} [{word.time_ns}]",
        "limits_share": str(share),
    }
    for each in progress:
        proof = proofs[each.strategy]
        on = markets_told(proof.symbols)
        told[f"promoted {each.strategy}"] = f"{proof.params_hash} on {on} [{proof.time_ns}]"
        told[f"canary {each.strategy}"] = (
            f"{each.trades} of {live.canary_trades} round trips, {each.days:.1f} of "
            f"{live.canary_days} days, net {each.net:.2f}"
        )
    markets = {name: proof.symbols for name, proof in proofs.items()}
    return VenueTerms(strategies=tuple(proofs), markets=markets, share=share, told=told)


def canary(proof: Promoted, closed: Sequence[Trade], now_ns: int) -> Canary:
    """Real round trips of a strategy since it was promoted with its present parameters; an entry
    that never filled is none."""
    mine = [
        trade
        for trade in closed
        if trade.strategy_id == proof.strategy
        and trade.opened_time_ns >= proof.time_ns
        and trade.entry_quantity > 0
    ]
    first_ns = min((trade.opened_time_ns for trade in mine), default=now_ns)
    return Canary(
        strategy=proof.strategy,
        trades=len(mine),
        days=(now_ns - first_ns) / DAY_NS,
        net=sum((trade.realised for trade in mine), Decimal(0)),
    )


def grown(found: Canary, settings: Settings) -> bool:
    """Enough round trips over enough days, and they have not lost money."""
    live = settings.live
    enough = found.trades >= live.canary_trades and found.days >= live.canary_days
    return enough and found.net >= 0


def _closed(case: Case, home: Path) -> Sequence[Trade]:
    database = open_database(database_url(case.settings, home))
    try:
        return queries.closed_trades(database, case.account)
    finally:
        database.dispose()
