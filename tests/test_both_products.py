"""Real money in spot and perpetuals together: each product is checked, and both are agreed to."""

import msgspec
import pytest

from tests.test_going_live import NAME, USDM, api_key, case, checkup, confirmed, proof, refused
from tradewinds import clearance, going_live
from tradewinds.vault.keys import parse_name
from tradewinds.vault.secret import Secret


@pytest.mark.parametrize("own", [True, False])
def test_real_money_in_both_products_asks_for_a_checkup_of_each(own: bool) -> None:
    futures = api_key(name=parse_name(USDM), key=Secret("u" * 64)) if own else api_key()
    name = USDM if own else f"{NAME} as binance-usdm"
    lacking = f"no check-up of {name}"
    rows = (checkup(), proof())
    asked = case(*rows, perpetual=futures)
    assert lacking in refused(asked)
    assert f"doctor --live {asked.words}" in refused(asked)
    checks = {f"{name} {each}": "ok" for each in going_live.NEEDED}
    wrong = checkup(key=name, checks=checks, key_print="of another key")
    assert "another key" in refused(case(*rows, wrong, perpetual=futures))
    print_ = clearance.key_print("u" * 64 if own else "k" * 64)
    other = checkup(key=name, checks=checks, key_print=print_)
    bare = checkup(key=name, key_print=print_)
    assert "could not ask for" in refused(case(*rows, bare, perpetual=futures))
    assert "(perpetual)" in refused(case(*rows, other, perpetual=futures)), "proved on spot alone"
    both = proof(symbols=asked.symbols)
    assert going_live.missing(case(checkup(), both, other, perpetual=futures)) == ()


def test_the_word_for_spot_alone_is_none_for_both_products() -> None:
    alone = confirmed()
    futures = api_key(name=parse_name(USDM), key=Secret("u" * 64))
    asked = case(checkup(), proof(), alone, perpetual=futures)
    assert going_live.confirmation(asked) is None
    assert asked.account == "main-real-binance-both-main.fut"
    assert asked.account in going_live.sentence(asked)
    word = msgspec.structs.replace(
        alone, account=asked.account, key=asked.named, key_print=asked.print
    )
    rows = (checkup(), proof(symbols=asked.symbols), word)
    assert going_live.confirmation(case(*rows, perpetual=futures)) is not None
    changed = msgspec.structs.replace(futures, key=Secret("v" * 64))
    assert going_live.confirmation(case(*rows, perpetual=changed)) is None
