"""What was proved on some markets allows those: no fewer, no others, and not their perpetuals."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.rigs import perpetual_instrument, spot_instrument
from tests.test_going_live import (
    SYMBOLS,
    api_key,
    case,
    checkup,
    confirmed,
    proof,
    refused,
    settings,
)
from tradewinds import clearance, going_live
from tradewinds.clearance import Promoted, Row
from tradewinds.model.ids import InstrumentId
from tradewinds.parts import params_of, strategies_of
from tradewinds.research.promotion import Wish, difference, proof_of
from tradewinds.vault.keys import parse_name

MARKETS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BTC/USDT:USDT")


def case_on(*symbols: str, **changes: object) -> going_live.Case:
    return case(checkup(), proof(), asked_for=symbols, **changes)


def test_other_symbols_are_refused_by_name_with_both_ways_on() -> None:
    assert going_live.missing(case_on(*SYMBOLS)) == ()
    told = refused(case_on(*SYMBOLS, "LTC/USDT"))
    assert "LTC/USDT (spot)" in told
    assert "promote it on these" in told
    assert f"--symbols {','.join(SYMBOLS)}" in told


def test_fewer_symbols_are_another_promotion() -> None:
    assert "promoted on" in refused(case_on(SYMBOLS[0]))


def test_a_proof_on_spot_is_none_for_perpetuals() -> None:
    futures = api_key(name=parse_name("binance-usdm:fut"))
    told = refused(case(proof(), key=futures))
    assert f"{SYMBOLS[0]} (spot)" in told
    assert f"{SYMBOLS[0]}:USDT (perpetual)" in told
    asked = case(key=futures)
    assert all(":" in symbol for symbol in asked.symbols)
    assert list(going_live.promoted(case(proof(symbols=asked.symbols), key=futures))) == [
        "momentum"
    ]


def test_the_coin_for_fees_is_nobodys_promotion_and_nobodys_market() -> None:
    assert "BNB/USDT" not in case_on(*SYMBOLS).symbols
    terms = going_live.live_terms(case(checkup(), proof(), confirmed()), Path(), ())
    assert terms.markets == {"momentum": SYMBOLS}
    spot = spot_instrument()
    fees = replace(spot, id=InstrumentId("BNB/USDT@binance"), symbol="BNB/USDT")
    params = terms.only(params_of(settings(), {}))
    (built,) = strategies_of(params, [spot, fees, perpetual_instrument()], markets=terms.markets)
    assert {wish.instrument_id for wish in built.subscriptions()} == {spot.id}


def test_the_refusal_says_what_differs() -> None:
    wish = Wish(strategy="momentum", params_hash="h", symbols=("BTC/USDT",))
    good = Promoted(
        strategy="momentum", params_hash="h", evidence={"a": "b"}, symbols=("BTC/USDT",), time_ns=1
    )
    assert difference(good, wish) == ""
    for changes, words in (
        ({"params_hash": "g"}, "other parameters (g)"),
        ({"symbols": ()}, "promote it again"),
        ({"evidence": {}}, "without evidence"),
        ({"symbols": ("BTC/USDT:USDT",)}, "BTC/USDT:USDT (perpetual)"),
    ):
        assert words in difference(replace(good, **changes), wish)


sets = st.lists(st.sampled_from(MARKETS), unique=True, min_size=1).map(tuple)


@given(st.lists(st.tuples(sets, st.sampled_from("gh")), max_size=5), sets)
def test_only_the_very_same_markets_and_parameters_prove_anything(
    noted: list[tuple[tuple[str, ...], str]], wanted: tuple[str, ...]
) -> None:
    rows: list[Row] = [
        Promoted(
            strategy="momentum", params_hash=digest, evidence={"a": "b"}, symbols=on, time_ns=n
        )
        for n, (on, digest) in enumerate(noted)
    ]
    wish = Wish(strategy="momentum", params_hash="h", symbols=wanted)
    found = proof_of(rows, wish)
    fitting = [n for n, (on, digest) in enumerate(noted) if digest == "h" and {*on} == {*wanted}]
    assert (found.time_ns if found else None) == (fitting[-1] if fitting else None)


def test_a_row_of_before_symbols_were_noted_still_reads_and_allows_nothing(tmp_path: Path) -> None:
    """The line as an earlier program wrote it, hash and all."""
    path = clearance.path_of(tmp_path)
    row = {
        "type": "Promoted",
        "strategy": "momentum",
        "params_hash": "55",
        "evidence": {"trades": "200"},
        "time_ns": 7,
    }
    digest = "ff3134e4b84e8e0fcd0de25719e4a0bd0a3ed37a270270d3cf0b242b6f769111"
    line = {"row": row, "before": clearance.GENESIS, "hash": digest}
    path.write_text(json.dumps(line) + "\n")
    (found,) = clearance.rows(path)
    assert isinstance(found, Promoted)
    wish = Wish(strategy="momentum", params_hash="55", symbols=())
    assert proof_of([found], wish) is None
    assert "promote it again" in difference(found, wish)
    clearance.append(path, found)
    assert len(clearance.rows(path)) == 2


@pytest.mark.parametrize("symbols", [(), SYMBOLS])
def test_without_symbols_asked_for_it_is_those_of_the_settings(symbols: tuple[str, ...]) -> None:
    assert going_live.promoted(case_on(*symbols)).keys() == {"momentum"}
