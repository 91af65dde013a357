"""Coinbase Advanced Trade spot, put together."""

from collections.abc import Iterable
from decimal import Decimal

from tradewinds.practice.accounts import Account, ApiKey, Keyring
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.coinbase import hosts, tokens
from tradewinds.practice.coinbase.account import Accounts
from tradewinds.practice.coinbase.brackets import Brackets
from tradewinds.practice.coinbase.desk import Desk, RestSite
from tradewinds.practice.coinbase.orders import Orders
from tradewinds.practice.coinbase.products import Products
from tradewinds.practice.coinbase.streams import Place, Streams
from tradewinds.practice.coinbase.tokens import Tokens
from tradewinds.practice.custody import SpotCustody
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.feed import move
from tradewinds.practice.listing import Listing
from tradewinds.practice.orders import Transferred
from tradewinds.practice.site import Site

FIRST_ORDER = 1


class Coinbase:
    """The whole venue. `exchange` is the truth; `orders.accepted` what the account may place."""

    def __init__(
        self, clock: VenueClock, listings: Iterable[Listing], keyring: Keyring, seed: int = 0
    ) -> None:
        custody = SpotCustody(lambda asset, quote: None, fees_on_top=True)
        self.exchange = Exchange(clock, listings, custody, FIRST_ORDER)
        self.tokens = Tokens(keyring, clock)
        self.desk = Desk(self.tokens, clock)
        products = Products(self.exchange)
        self.orders = Orders(self.exchange, products)
        self.desk.endpoints.update(
            products.endpoints() | self.orders.endpoints() | Accounts(self.exchange).endpoints()
        )
        self._brackets = Brackets(self.exchange)
        market = Place(name="coinbase-stream", hosts=hosts.STREAM)
        user = Place(name="coinbase-user", hosts=hosts.USER_STREAM)
        self.streams = Streams(market, self.exchange, self.tokens)
        self.user_streams = Streams(user, self.exchange, self.tokens)
        self._keyring = keyring
        self._seed = seed

    def sites(self) -> list[Site]:
        """REST, market data, the user's orders."""
        rest = RestSite(hosts.REST, self.desk, self._brackets.tick)
        return [rest, self.streams, self.user_streams]

    def customer(self, name: str = "coinbase trader", **balances: str) -> ApiKey:
        """An account with these balances and an ECDSA key to it: `customer(USD="1000")`."""
        amounts = {asset: Decimal(amount) for asset, amount in balances.items()}
        account = self._keyring.open_account(name, amounts)
        return tokens.issue(self._keyring, account, f"{self._seed} {name}")

    def transfer(self, account: Account, asset: str, amount: Decimal) -> None:
        """Money in, or out when negative, by the user's own hand."""
        with self.exchange as exchange:
            account.credit(asset, amount)
            exchange.voice.say(Transferred(account=account, asset=asset, amount=amount))
            exchange.voice.note(account, {asset})

    def move(self, symbol: str, price: str, size: str = "10") -> None:
        """The whole market goes to `price`: see feed.move."""
        move(self.exchange, symbol, Decimal(price), Decimal(size))
