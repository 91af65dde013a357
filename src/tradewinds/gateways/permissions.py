"""What a venue says its key may do. What it does not say counts as dangerous or as unknown."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from tradewinds.model.errors import ConfigError, VenueUnavailable

BINANCE: Final = frozenset({"binance-spot", "binance-usdm"})
COINBASE: Final = "coinbase"
BINANCE_DANGERS: Final = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")
BINANCE_TRADING: Final = {
    "binance-spot": ("enableSpotAndMarginTrading", "Enable Spot & Margin Trading"),
    "binance-usdm": ("enableFutures", "Enable Futures"),
}
BINANCE_NEEDED: Final = frozenset(
    {"ipRestrict", "enableReading", "enableSpotAndMarginTrading", "enableFutures"}
)
BINANCE_PAGE: Final = "Binance > API Management > Edit restrictions"
COINBASE_PAGE: Final = "portal.cdp.coinbase.com > API keys"
MOVES_MONEY: Final = ("withdraw", "transfer")
NS_PER_MS: Final = 1_000_000

Ask = Callable[[], Awaitable[Mapping[str, Any]]]
"""One signed request to the venue's own account of a key; see `ask_ccxt`."""


class Permissions(Struct, frozen=True, kw_only=True):
    """`dangers`: rights to move money out, by the venue's names. `unneeded`: others not used.

    `ip_restricted` is None where the venue does not tell. `expires_ns` is when trading ends by
    itself, 0 for never. `page` is where the operator changes all this.
    """

    venue: str
    can_read: bool
    can_trade: bool
    dangers: tuple[str, ...]
    page: str
    trading_right: str
    unneeded: tuple[str, ...] = ()
    ip_restricted: bool | None = None
    expires_ns: int = 0
    portfolio: str = ""


class Unverified(Struct, frozen=True, kw_only=True):
    """Nobody knows what this key may do: it must not trade real money."""

    reason: str


class KeyRejected(ConfigError):
    """The venue does not take this key at all; the message has the venue's words."""


async def permissions_of(venue: str, ask: Ask) -> Permissions | Unverified:
    """Ask once. No answer, or one without the fields that matter, is Unverified.

    Raises KeyRejected when the venue says the key itself is wrong.
    """
    try:
        answer = await ask()
    except VenueUnavailable as error:
        return Unverified(reason=f"the venue did not tell: {error}")
    return read_coinbase(answer) if venue == COINBASE else read_binance(venue, answer)


def read_binance(venue: str, answer: Mapping[str, Any]) -> Permissions | Unverified:
    """`GET /sapi/v1/account/apiRestrictions`, as the venue documents it."""
    missing = _not_booleans(answer, (*BINANCE_DANGERS, *sorted(BINANCE_NEEDED)))
    if missing:
        return Unverified(reason=f"the venue's answer does not say {', '.join(missing)}")
    right, words = BINANCE_TRADING[venue]
    granted = tuple(
        sorted(name for name, value in answer.items() if value is not False and _is_right(name))
    )
    dangers = tuple(name for name in granted if _moves_money(name))
    others = (*dangers, right, "enableReading", "enableFixReadOnly")
    return Permissions(
        venue=venue,
        can_read=answer["enableReading"],
        can_trade=answer[right],
        dangers=dangers,
        page=BINANCE_PAGE,
        trading_right=words,
        unneeded=tuple(name for name in granted if name not in others),
        ip_restricted=answer["ipRestrict"],
        expires_ns=_expiry_ns(answer.get("tradingAuthorityExpirationTime")),
    )


def read_coinbase(answer: Mapping[str, Any]) -> Permissions | Unverified:
    """`GET /api/v3/brokerage/key_permissions`, as the venue documents it."""
    missing = _not_booleans(answer, ("can_view", "can_trade", "can_transfer"))
    if missing:
        return Unverified(reason=f"the venue's answer does not say {', '.join(missing)}")
    granted = sorted(
        name for name, value in answer.items() if name.startswith("can_") and value is not False
    )
    kind = str(answer.get("portfolio_type") or "")
    uuid = str(answer.get("portfolio_uuid") or "")
    return Permissions(
        venue=COINBASE,
        can_read=answer["can_view"],
        can_trade=answer["can_trade"],
        dangers=tuple(name for name in granted if _moves_money(name)),
        page=COINBASE_PAGE,
        trading_right="Trade",
        unneeded=tuple(
            name
            for name in granted
            if not _moves_money(name) and name not in {"can_view", "can_trade"}
        ),
        portfolio=f"{kind} {uuid}".strip(),
    )


def refusal(found: Permissions) -> str | None:
    """Why no run may use this key; None when it may trade and not move money out."""
    if found.dangers:
        return (
            f"this key can move money out of the account ({', '.join(found.dangers)}): take that "
            f"away at {found.page}, or make a key that can only read and trade"
        )
    if not found.can_read:
        return f"this key cannot read the account: allow it at {found.page}"
    if not found.can_trade:
        return f"this key cannot trade: allow `{found.trading_right}` at {found.page}"
    return None


def advice(found: Permissions) -> tuple[str, ...]:
    """What would make this key safer; none of it stops a run."""
    told = []
    if found.ip_restricted is False:
        told.append(
            f"no IP restriction: whoever steals this key can use it anywhere; limit it to your "
            f"address at {found.page}"
        )
    if found.ip_restricted is None:
        told.append(f"the venue does not tell whether IPs are restricted: see {found.page}")
    if found.unneeded:
        told.append(f"rights not used here: {', '.join(found.unneeded)}; take them away")
    return tuple(told)


def _not_booleans(answer: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not isinstance(answer.get(name), bool)]


def _is_right(name: str) -> bool:
    return name.startswith(("enable", "permits"))


def _moves_money(name: str) -> bool:
    """By the word in the name, so that a right invented later is dangerous until it is known."""
    return any(word in name.lower() for word in MOVES_MONEY)


def _expiry_ns(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return 0
    try:
        return max(0, int(value)) * NS_PER_MS
    except ValueError:
        return 0
