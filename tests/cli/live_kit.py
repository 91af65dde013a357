"""A vault with a key for real money and one for a testnet."""

from pathlib import Path

from tradewinds.vault.file import place_of
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import create

PASSPHRASE = "correct horse battery staple"
LIVE_KEY, TEST_KEY = "binance-spot:main", "binance-spot:play"


def api_key(name: str, environment: Environment, standing: Standing) -> ApiKey:
    return ApiKey(
        name=parse_name(name),
        environment=environment,
        key=Secret("k" * 64),
        secret=Secret("s" * 64),
        standing=standing,
    )


def stocked(home: Path) -> None:
    made = create(place_of(home), Secret(PASSPHRASE))
    made.put(api_key(LIVE_KEY, Environment.PRODUCTION, Standing.VERIFIED))
    made.put(api_key(TEST_KEY, Environment.TESTNET, Standing.NOT_CHECKED))
