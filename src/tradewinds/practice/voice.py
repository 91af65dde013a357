"""Says what happened: every order event at once, accounts and books when a command is done."""

from collections.abc import Callable, Iterable, Mapping

from tradewinds.practice.accounts import Account
from tradewinds.practice.market import Market
from tradewinds.practice.orders import (
    AccountChanged,
    BookChanged,
    CommandDone,
    Listener,
    Order,
    VenueEvent,
)

OrderHook = Callable[[Order], None]


class Voice:
    """`listeners` hear every event in order; the hooks let the venue's own parts react."""

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self._markets = markets
        self.listeners: list[Listener] = []
        self.on_end: list[OrderHook] = []
        self.on_fill: list[OrderHook] = []
        self.on_trigger: list[OrderHook] = []
        self.on_mark: list[Callable[[Market], None]] = []
        self._assets: dict[Account, set[str]] = {}
        self._symbols: dict[Account, set[str]] = {}

    def say(self, event: VenueEvent) -> None:
        """To every listener, now."""
        for listener in self.listeners:
            listener(event)

    def note(self, account: Account, assets: Iterable[str], symbols: Iterable[str] = ()) -> None:
        """Something of the account changed; it is said at the end of the command."""
        self._assets.setdefault(account, set()).update(assets)
        self._symbols.setdefault(account, set()).update(symbols)

    def tell(self) -> None:
        """Say which accounts and books changed since the last time."""
        assets, self._assets = self._assets, {}
        symbols, self._symbols = self._symbols, {}
        for account, changed in assets.items():
            moved = frozenset(symbols[account])
            if changed or moved:
                self.say(AccountChanged(account=account, assets=frozenset(changed), symbols=moved))
        for symbol, market in self._markets.items():
            if market.book.update_id != market.told_id:
                market.told_id = market.book.update_id
                self.say(BookChanged(symbol=symbol))
        self.say(CommandDone())
