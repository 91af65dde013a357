"""What the vault holds: keys by name, and what is known of their rights."""

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradewinds.vault.errors import KeyRefused
from tradewinds.vault.secret import Secret

LABEL: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class KeyVenue(StrEnum):
    """Where a key trades."""

    BINANCE_SPOT = "binance-spot"
    BINANCE_USDM = "binance-usdm"
    COINBASE = "coinbase"


class Environment(StrEnum):
    """Whose money: production is real, the others are the venue's playgrounds."""

    PRODUCTION = "production"
    TESTNET = "testnet"
    DEMO = "demo"


class Standing(StrEnum):
    """What the venue said about the key's rights when it was last asked."""

    NOT_CHECKED = "not checked"
    VERIFIED = "verified"
    REFUSED = "refused"


class KeyName(Struct, frozen=True, kw_only=True):
    """`binance-spot:main`."""

    venue: KeyVenue
    label: str

    def __str__(self) -> str:
        return f"{self.venue}:{self.label}"


def parse_name(text: str) -> KeyName:
    """Venue and label. Raises KeyRefused with what there is.

    The text is not repeated: somebody may have pasted a secret in its place.
    """
    venue, _, label = text.partition(":")
    known = ", ".join(KeyVenue)
    if venue not in set(KeyVenue):
        raise KeyRefused(f"a key is named VENUE:LABEL, as in binance-spot:main; venues: {known}")
    if not LABEL.fullmatch(label):
        raise KeyRefused(
            f"a key is named VENUE:LABEL, as in {venue}:main; a label has up to 32 of a-z 0-9 - _"
        )
    return KeyName(venue=KeyVenue(venue), label=label)


class ApiKey(Struct, frozen=True, kw_only=True):
    """A venue's key. `key` names it (an API key or a CDP key name), `secret` signs.

    `checked_ns` is when the venue last told its rights, 0 for never.
    """

    name: KeyName
    environment: Environment
    key: Secret
    secret: Secret
    standing: Standing = Standing.NOT_CHECKED
    checked_ns: int = 0
    added_ns: int = 0

    def obstacle(self, *, live: bool) -> str | None:
        """Why this key may not trade; None when it may. Live means real money.

        Not verified is not ok: only a playground takes a key nobody has checked.
        """
        if live and self.environment is not Environment.PRODUCTION:
            return f"{self.name} is a {self.environment} key: it cannot trade live"
        if not live and self.environment is Environment.PRODUCTION:
            return f"{self.name} trades real money: a testnet run does not take it"
        if self.standing is Standing.REFUSED:
            return f"{self.name} was refused: `trading-cli keys test {self.name}` says why"
        if live and self.standing is not Standing.VERIFIED:
            return (
                f"the rights of {self.name} were never verified: run "
                f"`trading-cli keys test {self.name}` where the venue can be reached"
            )
        return None
