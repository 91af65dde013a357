"""Real money is hard to start by mistake: each thing that is missing is a no of its own."""

import asyncio
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds import clearance, going_live, live_keys, venues
from tradewinds.clearance import Confirmed, DoctorPassed, NotCleared, Promoted, Row
from tradewinds.config import AccountSettings, LimitSettings, Settings, StrategySettings
from tradewinds.going_live import Case
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.ids import InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.options import DEMO, LIVE, TESTNET, RunOptions
from tradewinds.parts import VenueTerms, engine_settings_of, limits_of, shrunk
from tradewinds.vault.errors import KeyRefused, VaultRefused
from tradewinds.vault.file import place_of
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import create

NAME = "binance-spot:main"
PASSPHRASE = Secret("correct horse battery staple")
NOW = 1_800_000_000_000_000_000
SYMBOLS = tuple(Settings().feed.symbols)
HOUR, DAY = 3_600_000_000_000, 86_400_000_000_000


def api_key(**changes: Any) -> ApiKey:
    plain = ApiKey(
        name=parse_name(NAME),
        environment=Environment.PRODUCTION,
        key=Secret("k" * 64),
        secret=Secret("s" * 64),
        standing=Standing.VERIFIED,
    )
    return msgspec.structs.replace(plain, **changes)


def settings(**limits: Any) -> Settings:
    return Settings(
        account=AccountSettings(name="main"),
        limits=LimitSettings(**limits),
        strategies={"momentum": StrategySettings(), "triangular": StrategySettings()},
    )


def checkup(**changes: Any) -> DoctorPassed:
    checks = {f"{NAME} {name}": "ok" for name in going_live.NEEDED} | {"disk": "ok"}
    plain = DoctorPassed(
        key=NAME,
        key_print=clearance.key_print("k" * 64),
        checks=checks,
        time_ns=NOW - HOUR,
    )
    return msgspec.structs.replace(plain, **changes)


def proof(name: str = "momentum", **changes: Any) -> Promoted:
    digest = going_live.hashes(settings())[name]
    plain = Promoted(
        strategy=name,
        params_hash=digest,
        evidence={"trades": "200"},
        symbols=SYMBOLS,
        time_ns=NOW - 30 * DAY,
    )
    return msgspec.structs.replace(plain, **changes)


def case(*rows: Row, **changes: Any) -> Case:
    plain = Case(settings=settings(), key=api_key(), rows=rows, now_ns=NOW)
    return msgspec.structs.replace(plain, **changes)


def confirmed(**changes: Any) -> Confirmed:
    asked = case()
    plain = Confirmed(
        account=asked.account,
        key=NAME,
        key_print=asked.print,
        sentence=going_live.sentence(asked),
        limits=going_live.told_limits(asked.settings),
        time_ns=NOW - DAY,
    )
    return msgspec.structs.replace(plain, **changes)


def trade(number: int, day: float, realised: str = "0.10", strategy: str = "momentum") -> Trade:
    opened = NOW - int(day * DAY)
    return Trade(
        trade_id=TradeId(f"r-t{number}"),
        strategy_id=StrategyId(strategy),
        instrument_id=InstrumentId("BTC/USDT@binance"),
        side=Side.BUY,
        phase=TradePhase.CLOSED,
        quantity=Decimal(0),
        entry_price=Decimal(1),
        entry_quantity=Decimal(1),
        stop_price=Decimal(1),
        opened_time_ns=opened,
        closed_time_ns=opened + HOUR,
        realised=Decimal(realised),
    )


def refused(asked: Case) -> str:
    with pytest.raises(NotCleared) as found:
        going_live.require_cleared(asked)
    return str(found.value)


def test_with_a_checkup_and_a_promotion_nothing_is_missing_but_the_word() -> None:
    asked = case(checkup(), proof())
    assert going_live.missing(asked) == ()
    with pytest.raises(NotCleared, match="confirmed in writing"):
        going_live.live_terms(asked, Path(), ())


def test_all_that_is_missing_is_named_at_once() -> None:
    bare = settings().model_copy(update={"account": AccountSettings()})
    told = refused(case(settings=bare))
    assert "account.name" in told
    assert f"doctor --live {NAME}" in told
    assert "promotion gate" in told
    assert "momentum" in told


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"time_ns": NOW - 25 * HOUR}, "older than a day"),
        ({"time_ns": NOW + HOUR}, "older than a day"),
        ({"key_print": "another"}, "another key"),
        ({"key": "binance-spot:other"}, "no check-up"),
        ({"checks": {"disk": "ok"}}, "could not ask for clock, rights, filters, fees"),
        ({"checks": checkup().checks | {"disk": "failed"}}, "found faults: disk"),
        ({"checks": checkup().checks | {f"{NAME} rights": "failed"}}, "found faults"),
        ({"checks": checkup().checks | {f"{NAME} rights": "unheard of"}}, "found faults"),
    ],
)
def test_a_checkup_counts_by_its_content(changes: dict[str, Any], why: str) -> None:
    assert why in refused(case(checkup(**changes), proof()))


def test_a_later_checkup_that_failed_is_not_outweighed_by_an_older_one() -> None:
    later = checkup(checks={"disk": "failed"}, time_ns=NOW - 1)
    assert "found faults" in refused(case(checkup(), later, proof()))


@pytest.mark.parametrize(
    "changes",
    [{"params_hash": "other"}, {"evidence": {}}, {"strategy": "scalping"}],
)
def test_a_promotion_is_of_exactly_these_parameters_and_has_evidence(
    changes: dict[str, Any],
) -> None:
    assert "promotion gate" in refused(case(checkup(), proof(**changes)))


def test_other_parameters_are_another_strategy() -> None:
    other = settings().model_copy(
        update={"strategies": {"momentum": StrategySettings(params={"atr_bars": 25})}}
    )
    assert "promotion gate" in refused(case(checkup(), proof(), settings=other))
    assert going_live.hashes(settings())["momentum"] == going_live.params_hash(
        "momentum", {"atr_bars": 24}
    ), "a default that is written out is the same"


def test_a_strategy_that_is_switched_off_or_not_promoted_does_not_trade() -> None:
    terms = going_live.live_terms(case(checkup(), proof(), confirmed()), Path(), ())
    assert terms.strategies == ("momentum",)
    assert terms.only({"momentum": {}, "triangular": {}}) == {"momentum": {}}
    off = settings().model_copy(
        update={"strategies": {"momentum": StrategySettings(enabled=False)}}
    )
    assert "none is switched on" in refused(case(checkup(), proof(), settings=off))


@pytest.mark.parametrize(
    "changes",
    [{"account": "other"}, {"key": "binance-spot:other"}, {"key_print": "other"}, {"limits": {}}],
)
def test_the_word_is_for_one_account_one_key_and_these_limits(changes: dict[str, Any]) -> None:
    assert going_live.confirmation(case(confirmed())) is not None
    assert going_live.confirmation(case(confirmed(**changes))) is None


@pytest.mark.parametrize(
    ("name", "wider", "narrower"),
    [
        ("loss_per_trade_max", 11, 9),
        ("loss_per_day_max", 21, 19),
        ("exposure_total_max", 0.9, 0.7),
        ("leverage_max", 4, 2),
        ("drawdown_halt", 0.06, 0.045),
        ("reserve", 199, 201),
    ],
)
def test_limits_that_allow_more_ask_again_and_narrower_ones_do_not(
    name: str, wider: Any, narrower: Any
) -> None:
    assert going_live.confirmation(case(confirmed(), settings=settings(**{name: wider}))) is None
    assert going_live.confirmation(case(confirmed(), settings=settings(**{name: narrower})))


def test_a_newer_word_for_another_key_takes_the_older_one_back() -> None:
    newer = confirmed(key_print="other")
    assert going_live.confirmation(case(confirmed(), newer)) is None


def test_only_the_exact_sentence_is_put_on_record(tmp_path: Path) -> None:
    asked = case()
    wanted = going_live.sentence(asked)
    assert "main-real-binance-spot-main" in wanted
    assert "10 USDT a trade" in wanted
    for wrong in ("", "yes", wanted.lower(), wanted[:-1], wanted + " at most"):
        with pytest.raises(NotCleared, match="not the sentence"):
            going_live.confirm(asked, wrong, tmp_path)
    assert clearance.rows(clearance.path_of(tmp_path)) == ()
    going_live.confirm(asked, f"{wanted} \n", tmp_path)
    (row,) = clearance.rows(clearance.path_of(tmp_path))
    assert going_live.confirmation(case(row)) == row


def cleared(*more: Row) -> Case:
    return case(checkup(), proof(), *more, confirmed())


def test_real_money_begins_with_a_tenth_of_the_limits_and_the_journal_is_told() -> None:
    terms = going_live.live_terms(cleared(), Path(), ())
    assert terms.share == Decimal("0.1")
    limits = terms.within(engine_settings_of(settings())).limits
    assert (limits.loss_per_trade_max, limits.loss_per_day_max) == (Decimal("1.0"), Decimal("2.0"))
    assert limits.exposure_total_max == pytest.approx(0.08)
    assert limits.drawdown_halt == limits_of(settings()).drawdown_halt
    assert "I trade real money" in terms.told["confirmed"]
    assert terms.told["canary momentum"].startswith("0 of 30 round trips")
    assert terms.told["promoted momentum"].startswith(proof().params_hash)


def share_after(closed: Sequence[Trade], asked: Case | None = None) -> Decimal:
    return going_live.live_terms(asked or cleared(), Path(), closed).share


def test_the_canary_ends_after_enough_round_trips_over_enough_days_without_a_loss() -> None:
    thirty = [trade(number, 8 - number / 5) for number in range(30)]
    assert share_after(thirty) == 1
    assert share_after(thirty[:-1]) < 1, "one round trip short"
    assert share_after([trade(n, 6.9 - n / 10) for n in range(30)]) < 1, "too few days"
    lost = [*thirty, trade(31, 1, "-3.01")]
    assert share_after(lost) < 1, "it has lost money"


def test_round_trips_of_before_the_promotion_or_of_another_strategy_prove_nothing() -> None:
    early = [trade(number, 31 + number / 10) for number in range(40)]
    assert share_after(early) < 1
    others = [trade(number, 8 - number / 5, strategy="triangular") for number in range(30)]
    assert share_after(others) < 1


def test_every_strategy_that_trades_must_have_come_through() -> None:
    thirty = [trade(number, 8 - number / 5) for number in range(30)]
    assert share_after(thirty, cleared(proof("triangular"))) < 1


@given(st.decimals(min_value="0.001", max_value="1", places=3))
def test_limits_are_only_ever_shrunk(share: Decimal) -> None:
    whole = limits_of(settings())
    less = shrunk(whole, share)
    for name in going_live.MORE_IS_RISKIER:
        assert getattr(less, name) <= getattr(whole, name)
    assert less.reserve == whole.reserve


@pytest.mark.parametrize("share", ["0", "-0.1", "1.0001", "10", "NaN"])
def test_a_share_that_would_widen_or_end_the_limits_is_a_bug(share: str) -> None:
    with pytest.raises(InvariantBroken):
        shrunk(limits_of(settings()), Decimal(share))


# Keys


def vault(home: Path, *keys: ApiKey) -> None:
    made = create(place_of(home), PASSPHRASE)
    for key in keys:
        made.put(key)


def options(home: Path, mode: str = LIVE, key: str = NAME) -> RunOptions:
    return RunOptions(home=home, mode=mode, key=key)


@pytest.mark.parametrize(
    ("mode", "changes", "why"),
    [
        (LIVE, {"environment": Environment.TESTNET}, "needs a production key"),
        (LIVE, {"standing": Standing.NOT_CHECKED}, "never verified"),
        (LIVE, {"standing": Standing.REFUSED}, "was refused"),
        (TESTNET, {}, "needs a testnet key"),
        (DEMO, {"environment": Environment.TESTNET}, "needs a demo key"),
        (TESTNET, {"environment": Environment.TESTNET, "standing": Standing.REFUSED}, "refused"),
    ],
)
def test_a_key_is_for_one_kind_of_money_and_fit_for_it(
    tmp_path: Path, mode: str, changes: dict[str, Any], why: str
) -> None:
    vault(tmp_path, api_key(**changes))
    with pytest.raises(KeyRefused, match=why):
        live_keys.key_for(options(tmp_path, mode), PASSPHRASE)


def test_a_fit_key_comes_out_of_the_vault_and_no_other(tmp_path: Path) -> None:
    vault(tmp_path, api_key())
    assert live_keys.key_for(options(tmp_path), PASSPHRASE).key.reveal() == "k" * 64
    with pytest.raises(KeyRefused, match="no key"):
        live_keys.key_for(options(tmp_path, key="binance-spot:other"), PASSPHRASE)
    with pytest.raises(VaultRefused, match="did not open"):
        live_keys.key_for(options(tmp_path), Secret("another passphrase"))
    with pytest.raises(VaultRefused, match="locked"):
        live_keys.key_for(options(tmp_path), None)


USDM = "binance-usdm:fut"


@pytest.mark.parametrize(
    ("mode", "key", "other", "why"),
    [
        (LIVE, USDM, "", "is not for Binance spot"),
        (LIVE, "coinbase:main", USDM, "is not for Binance spot"),
        (TESTNET, NAME, "", "a key of their own"),
        (LIVE, NAME, "binance-spot:other", "takes a binance-usdm key"),
        (LIVE, NAME, USDM, "never verified"),
    ],
)
def test_perpetuals_beside_spot_need_a_fit_key_too(
    tmp_path: Path, mode: str, key: str, other: str, why: str
) -> None:
    unfit = {"name": parse_name(USDM), "standing": Standing.NOT_CHECKED}
    vault(tmp_path, api_key(), api_key(**unfit))
    asked = RunOptions(home=tmp_path, mode=mode, key=key, perpetuals=True, perpetual_key=other)
    with pytest.raises(KeyRefused, match=why):
        live_keys.keys_for(asked, PASSPHRASE)


def test_one_key_may_serve_both_products(tmp_path: Path) -> None:
    vault(tmp_path, api_key())
    asked = RunOptions(home=tmp_path, mode=LIVE, key=NAME, perpetuals=True)
    first, second = live_keys.keys_for(asked, PASSPHRASE)
    assert second is not None
    assert first.name == second.name
    alone = msgspec.structs.replace(asked, perpetuals=False)
    assert live_keys.keys_for(alone, PASSPHRASE)[1] is None


def test_the_engine_asks_again_for_itself_before_it_connects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault(tmp_path, api_key())
    asked: list[str] = []

    async def why_refused(reach: venues.Reach) -> str:
        asked.append(reach.name)
        return "it can withdraw"

    monkeypatch.setattr(going_live, "why_refused", why_refused)
    reach = going_live.reach_for
    with pytest.raises(NotCleared):
        asyncio.run(reach(settings(), options(tmp_path), PASSPHRASE))
    assert asked == [], "nothing is connected to before everything on record is well"
    for row in (checkup(time_ns=NOW), proof(time_ns=NOW), confirmed()):
        clearance.append(clearance.path_of(tmp_path), row)
    later = msgspec.structs.replace(options(tmp_path), cleared_ns=NOW + 1)
    asking = going_live.asked(case(now_ns=NOW + 1), os.getppid())
    clearance.append(clearance.path_of(tmp_path), asking)
    with pytest.raises(KeyRefused, match="it can withdraw"):
        asyncio.run(reach(settings(), later, PASSPHRASE))
    assert asked == ["binance-spot-main"]


def test_the_terms_of_no_venue_change_nothing() -> None:
    plain = VenueTerms()
    assert plain.within(engine_settings_of(settings())) == engine_settings_of(settings())
    assert plain.only({"a": {}}) == {"a": {}}
