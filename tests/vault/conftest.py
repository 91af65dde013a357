"""A vault with two keys in a folder of its own. Opening one takes a tenth of a second."""

from pathlib import Path

import pytest

from tradewinds.vault.file import Place, place_of
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import create

PASSPHRASE = Secret("correct horse battery staple")


def api_key(name: str = "binance-spot:main", *, letter: str = "k") -> ApiKey:
    return ApiKey(
        name=parse_name(name),
        environment=Environment.PRODUCTION,
        key=Secret(letter * 60 + "1234"),
        secret=Secret(letter.upper() * 60 + "5678"),
        standing=Standing.VERIFIED,
        checked_ns=5,
        added_ns=4,
    )


@pytest.fixture
def passphrase() -> Secret:
    return PASSPHRASE


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_of(tmp_path)


@pytest.fixture
def filled(place: Place) -> Place:
    """Two keys, two writes."""
    vault = create(place, PASSPHRASE)
    vault.put(api_key())
    vault.put(api_key("binance-usdm:main", letter="u"))
    return place
