"""The matching core: whatever happens, money and goods are neither made nor lost."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account, Keyring
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.custody import SpotCustody
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.margin import MarginCustody
from tradewinds.practice.orders import Fill, Order, Refused, Traded
from tradewinds.practice.presets import spot_listings, usdm_listings

SYMBOL = "BTCUSDT"
PRICES = st.integers(59_990, 60_010).map(Decimal)
SIZES = st.integers(1, 40).map(lambda units: Decimal(units) / 1_000)
SIDES = st.sampled_from([Side.BUY, Side.SELL])
KINDS = st.sampled_from(["limit", "market", "stop", "cancel", "quote", "trade"])
ACTIONS = st.lists(
    st.tuples(KINDS, SIDES, PRICES, SIZES, st.integers(0, 1)), min_size=5, max_size=30
)
Action = tuple[str, Side, Decimal, Decimal, int]


def spot_exchange() -> Exchange:
    return Exchange(VenueClock(), spot_listings(), SpotCustody(lambda asset, quote: None))


def limit(account: Account, side: Side, price: str, size: str) -> Order:
    return Order(
        account=account,
        symbol=SYMBOL,
        side=side,
        type="LIMIT",
        quantity=Decimal(size),
        price=Decimal(price),
    )


def act(exchange: Exchange, accounts: list[Account], action: Action) -> None:
    kind, side, price, size, who = action
    account = accounts[who]
    if kind == "quote":
        exchange.quote(SYMBOL, [(price - 1, size)], [(price + 1, size)])
    elif kind == "trade":
        exchange.trade(SYMBOL, price, size, side)
    elif kind == "cancel":
        for order in exchange.open_orders(account)[:1]:
            exchange.cancel(order)
    else:
        order = limit(account, side, str(price), str(size))
        if kind == "market":
            order.price = None
        elif kind == "stop":
            order.price, order.stop_price, order.rises = None, price, side is Side.BUY
        try:
            exchange.submit(order)
        except Refused:
            return


def fills_of(exchange: Exchange, account: Account) -> list[Fill]:
    orders = [order for order in exchange.orders.values() if order.account is account]
    return [fill for order in orders for fill in order.fills]


def expected(exchange: Exchange, account: Account, start: dict[str, Decimal]) -> dict[str, Decimal]:
    amounts = dict(start)
    for fill in fills_of(exchange, account):
        sign = 1 if fill.side is Side.BUY else -1
        amounts["BTC"] += sign * fill.quantity
        amounts["USDT"] -= sign * fill.quote_quantity
        amounts[fill.fee_asset] -= fill.fee
    return amounts


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_balances_are_what_was_there_and_what_the_fills_say(actions: list[Action]) -> None:
    exchange = spot_exchange()
    keyring = Keyring(0)
    start = {"USDT": Decimal(3_000), "BTC": Decimal("0.05")}
    accounts = [keyring.open_account(name, start) for name in ("a", "b")]
    exchange.quote(SYMBOL, [(Decimal(59_999), Decimal(1))], [(Decimal(60_001), Decimal(1))])
    for action in actions:
        act(exchange, accounts, action)
        for account in accounts:
            for asset, amount in expected(exchange, account, start).items():
                balance = account.balance(asset)
                assert balance.total == amount
                assert balance.free >= 0
                assert balance.locked >= 0
    for account in accounts:
        for order in exchange.open_orders(account):
            exchange.cancel(order)
        assert all(balance.locked == 0 for balance in account.balances.values())


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_a_futures_wallet_is_what_its_income_says_and_positions_are_the_fills(
    actions: list[Action],
) -> None:
    custody = MarginCustody()
    exchange = Exchange(VenueClock(), usdm_listings(), custody)
    custody.markets = exchange.markets
    keyring = Keyring(0)
    accounts = [keyring.open_account(name) for name in ("a", "b")]
    for account in accounts:
        custody.of(account).wallet = Decimal(500)
        custody.of(account).terms_of(SYMBOL).isolated = account.name == "a"
    exchange.quote(SYMBOL, [(Decimal(59_999), Decimal(1))], [(Decimal(60_001), Decimal(1))])
    for action in actions:
        act(exchange, accounts, action)
        for account in accounts:
            owner = custody.of(account)
            assert owner.wallet == 500 + sum(line.amount for line in owner.income)
            fills = fills_of(exchange, account)
            held = sum(f.quantity if f.side is Side.BUY else -f.quantity for f in fills)
            assert owner.position(SYMBOL, "BOTH").quantity == held
            assert owner.position(SYMBOL, "BOTH").wallet >= 0


def test_better_prices_come_first_then_what_was_there_before() -> None:
    exchange = spot_exchange()
    keyring = Keyring(0)
    seller = keyring.open_account("seller", {"BTC": Decimal(1)})
    buyer = keyring.open_account("buyer", {"USDT": Decimal(10_000)})
    exchange.quote(SYMBOL, [], [(Decimal(60_001), Decimal("0.01"))])
    orders = [
        exchange.submit(limit(seller, Side.SELL, price, "0.01"))
        for price in ("60001", "60000", "60001")
    ]
    bought = exchange.submit(limit(buyer, Side.BUY, "60001", "0.035"))
    assert [fill.price for fill in bought.fills] == [60_000, 60_001, 60_001, 60_001]
    # At 60001 the outside was first, then the older of our two.
    assert [order.filled for order in orders] == [
        Decimal("0.01"),
        Decimal("0.01"),
        Decimal("0.005"),
    ]


def test_a_public_trade_at_our_price_serves_the_outside_first() -> None:
    exchange = spot_exchange()
    buyer = Keyring(0).open_account("buyer", {"USDT": Decimal(10_000)})
    exchange.quote(SYMBOL, [(Decimal(60_000), Decimal("0.02"))], [])
    order = exchange.submit(limit(buyer, Side.BUY, "60000", "0.01"))
    exchange.trade(SYMBOL, Decimal(60_000), Decimal("0.02"), Side.SELL)
    assert order.filled == 0
    exchange.trade(SYMBOL, Decimal(60_000), Decimal("0.025"), Side.SELL)
    assert order.filled == Decimal("0.005")
    exchange.trade(SYMBOL, Decimal(59_999), Decimal(1), Side.SELL)
    assert order.filled == Decimal("0.01")


def test_a_stop_that_fires_another_stop_is_all_one_command() -> None:
    exchange = spot_exchange()
    seller = Keyring(0).open_account("seller", {"BTC": Decimal(1)})
    heard: list[Traded] = []
    exchange.voice.listeners.append(lambda e: heard.append(e) if isinstance(e, Traded) else None)
    exchange.quote(SYMBOL, [(Decimal(60_000), Decimal("0.01")), (Decimal(59_000), Decimal(1))], [])
    exchange.trade(SYMBOL, Decimal(60_100), Decimal("0.001"), Side.BUY)
    stops = []
    for price in ("60050", "59500"):
        stop = limit(seller, Side.SELL, price, "0.02")
        stop.stop_price, stop.price = stop.price, None
        stops.append(exchange.submit(stop))
    exchange.trade(SYMBOL, Decimal(60_050), Decimal("0.001"), Side.SELL)
    assert [str(stop.status) for stop in stops] == ["FILLED", "FILLED"]
    assert [trade.price for trade in heard[2:]] == [60_000, 59_000, 59_000]
