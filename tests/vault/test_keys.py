"""Names, and which key may trade where."""

import pytest
from msgspec import structs

from tests.vault.conftest import api_key
from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name


@pytest.mark.parametrize("name", ["binance-spot:main", "binance-usdm:a_b-1", "coinbase:main"])
def test_a_name_is_venue_and_label(name: str) -> None:
    assert str(parse_name(name)) == name


@pytest.mark.parametrize(
    "name",
    ["", "binance:main", "binance-spot", "binance-spot:", "coinbase:Main", "coinbase:a b",
     "coinbase:../x", "coinbase:a:b", "coinbase:" + "a" * 33, "coinbase:a\n"],
)  # fmt: skip
def test_anything_else_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(KeyRefused, match="VENUE:LABEL"):
        parse_name(name)


def with_state(environment: Environment, standing: Standing) -> ApiKey:
    return structs.replace(api_key(), environment=environment, standing=standing)


def test_only_a_verified_production_key_trades_live() -> None:
    taken = [
        (environment, standing)
        for environment in Environment
        for standing in Standing
        if with_state(environment, standing).obstacle(live=True) is None
    ]
    assert taken == [(Environment.PRODUCTION, Standing.VERIFIED)]


def test_a_playground_takes_its_own_keys_and_never_one_of_real_money() -> None:
    for standing in Standing:
        assert with_state(Environment.PRODUCTION, standing).obstacle(live=False)
    assert with_state(Environment.TESTNET, Standing.NOT_CHECKED).obstacle(live=False) is None
    assert with_state(Environment.DEMO, Standing.REFUSED).obstacle(live=False)


def test_not_verified_says_how_to_verify() -> None:
    told = with_state(Environment.PRODUCTION, Standing.NOT_CHECKED).obstacle(live=True)
    assert told is not None
    assert "keys test binance-spot:main" in told
