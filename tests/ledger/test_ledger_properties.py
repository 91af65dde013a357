"""Random sequences of fills and funding against a venue and a P&L account kept separately here."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, msgpack

from tradewinds.ledger.fills import FillContext
from tradewinds.ledger.ledger import Ledger
from tradewinds.ledger.lots import NO_INSTRUMENT
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.events import FundingPaid
from tradewinds.model.ids import ACCOUNT, Asset, ClientOrderId, FillId, StrategyId, TradeId, Venue
from tradewinds.model.ids import instrument_id as id_of
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Account, LedgerState, Transaction
from tradewinds.model.market import Side
from tradewinds.model.order import Fill

USDT, USDC, BTC, ETH, BNB = (Asset(name) for name in ("USDT", "USDC", "BTC", "ETH", "BNB"))
STRATEGIES = (StrategyId("momentum"), StrategyId("scalping"))
NS_PER_DAY = 86_400_000_000_000
OPENING = {USDT: Decimal(100_000), USDC: Decimal(20_000), BTC: Decimal(1), BNB: Decimal(50)}
RATES = {USDC: Decimal("0.9991"), BTC: Decimal("50000.5"), BNB: Decimal(600)}


def instrument(base: Asset, quote: Asset, kind: InstrumentKind = InstrumentKind.SPOT) -> Instrument:
    symbol = f"{base}/{quote}" + (f":{quote}" if kind is InstrumentKind.PERPETUAL else "")
    return Instrument(
        id=id_of(symbol, "sim"),
        symbol=symbol,
        venue=Venue("sim"),
        kind=kind,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        max_quantity=Decimal(1000),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )


SPOT_USDT = instrument(BTC, USDT)
SPOT = (SPOT_USDT, instrument(BTC, USDC), instrument(ETH, BTC), instrument(ETH, USDT))
PERPETUAL = instrument(BTC, USDT, InstrumentKind.PERPETUAL)
PERPETUALS = (PERPETUAL, instrument(ETH, USDC, InstrumentKind.PERPETUAL))


class Action(Struct, frozen=True, kw_only=True):
    """A fill that may happen. Sizes shrink to what is there when it is played."""

    market: Instrument
    strategy_id: StrategyId
    side: Side
    part: Decimal
    price: Decimal = Decimal("1.0123457")
    decision: Decimal = Decimal("0.999")
    fee_in: str = "quote"
    fee_part: Decimal = Decimal("0.001")
    rate: Decimal = Decimal(1)
    day: int = 3


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


def actions(
    markets: tuple[Instrument, ...], fees: tuple[str, ...] = ("quote", "base", "third", "rebate")
) -> st.SearchStrategy[list[Action]]:
    return st.lists(
        st.builds(
            Action,
            market=st.sampled_from(markets),
            strategy_id=st.sampled_from(STRATEGIES),
            side=st.sampled_from(Side),
            part=st.sampled_from([Decimal(1), Decimal("0.5"), Decimal("0.37"), Decimal("0.001")]),
            price=decimals("0.9", "1.1", 7),
            decision=decimals("0.99", "1.01", 9),
            fee_in=st.sampled_from(fees),
            fee_part=decimals("0", "0.002", 5),
            rate=decimals("0.97", "1.03", 8),
            day=st.integers(0, 3),
        ),
        min_size=1,
        max_size=25,
    )


def lots(quantity: Decimal) -> Decimal:
    """To the eight places that venues keep."""
    return quantity.quantize(Decimal("1e-8"), rounding=ROUND_DOWN)


class Play:
    """Plays actions on a ledger, and keeps the venue's balances on its own."""

    def __init__(self) -> None:
        self.ledger = Ledger(USDT)
        self.ledger.open(OPENING, RATES, 0)
        self.venue = dict(OPENING)
        self.net: dict[str, Decimal] = {}
        self.entry: dict[str, Decimal] = {}
        self.booked: list[tuple[Fill, FillContext]] = []
        self.transactions: list[Transaction] = []

    def rate_of(self, asset: Asset, action: Action) -> Decimal:
        fixed = {USDT: Decimal(1), BNB: Decimal(600) * action.rate}
        others = {USDC: action.rate, BTC: 50_000 * action.rate, ETH: 3_000 * action.rate}
        return (fixed | others)[asset]

    def available(self, strategy_id: StrategyId, asset: Asset) -> Decimal:
        if asset == USDT:
            return max(self.venue[USDT], Decimal(0))
        lots = [self.ledger.lot(owner, asset) for owner in (strategy_id, ACCOUNT)]
        return sum((lot.quantity for lot in lots if lot is not None), Decimal(0))

    def quantity(self, action: Action, price: Decimal) -> Decimal:
        """A part of all that can be sold or paid, leaving room for the fee; 0 when too little."""
        market = action.market
        if market.kind is InstrumentKind.PERPETUAL:
            held = self.ledger.position(action.strategy_id, market)
            signed = Decimal(0) if held is None else held.quantity
            closes = (signed > 0) == (action.side is Side.SELL) and signed != 0
            return lots(abs(signed) * action.part * 2 if closes else action.part / 100)
        if action.side is Side.SELL:
            room = self.available(action.strategy_id, market.base)
            return lots(room * action.part * (1 if action.fee_in != "base" else Decimal("0.99")))
        room = self.available(action.strategy_id, market.quote) * action.part * Decimal("0.99")
        return lots(room / price)

    def play(self, action: Action) -> Transaction | None:
        market = action.market
        quote = {"USDT": 1, "USDC": 1, "BTC": 50_000}[market.quote]
        price = (action.price * {"BTC": 50_000, "ETH": 3_000}[market.base] / quote).quantize(
            Decimal("0.0000001")
        )
        quantity = self.quantity(action, price)
        if quantity <= 0:
            return None
        fee, fee_asset = self.fee(action, quantity, price)
        fill = Fill(
            fill_id=FillId(str(len(self.booked))),
            client_order_id=ClientOrderId("tw-1"),
            instrument_id=market.id,
            side=action.side,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_asset=fee_asset,
            maker=fee < 0,
            venue_time_ns=action.day * NS_PER_DAY,
            received_time_ns=action.day * NS_PER_DAY,
        )
        context = FillContext(
            instrument=market,
            strategy_id=action.strategy_id,
            trade_id=TradeId("t1"),
            decision_price=price * action.decision,
            quote_rate=self.rate_of(market.quote, action),
            fee_rate=self.rate_of(fee_asset, action),
        )
        try:
            transaction = self.ledger.book_fill(fill, context)
        except InvariantBroken:
            # A loss beyond all there is of an asset that is not cash: no venue lets it come so far.
            assert (market.kind, market.settle) == (InstrumentKind.PERPETUAL, USDC)
            return None
        assert transaction is not None
        self.booked.append((fill, context))
        self.transactions.append(transaction)
        self.at_venue(fill, market)
        return transaction

    def fee(self, action: Action, quantity: Decimal, price: Decimal) -> tuple[Decimal, Asset]:
        market, amount = action.market, lots(quantity * price * action.fee_part)
        if action.fee_in == "third" or (
            action.market.kind is InstrumentKind.PERPETUAL and action.fee_in == "base"
        ):
            return min(action.fee_part, self.available(action.strategy_id, BNB)), BNB
        if action.fee_in == "base":
            return lots(quantity * action.fee_part), market.base
        if action.fee_in == "rebate":
            return -amount, market.quote
        enough = self.available(action.strategy_id, market.quote) > amount * 2
        return (amount if action.side is Side.SELL or enough else Decimal(0)), market.quote

    def at_venue(self, fill: Fill, market: Instrument) -> None:
        with localcontext(prec=80):
            sign = 1 if fill.side is Side.BUY else -1
            if market.kind is InstrumentKind.SPOT:
                self.move(market.base, sign * fill.quantity)
                self.move(market.quote, -sign * fill.quantity * fill.price)
            else:
                self.settle(market, sign * fill.quantity, fill.price)
            self.move(fill.fee_asset, -fill.fee)

    def settle(self, market: Instrument, change: Decimal, price: Decimal) -> None:
        net = self.net.get(market.id, Decimal(0))
        entry = self.entry.get(market.id, Decimal(0))
        closed = min(abs(net), abs(change)) if net * change < 0 else Decimal(0)
        if closed:
            direction = 1 if net > 0 else -1
            released = entry
            if closed != abs(net):
                released = (entry * closed / abs(net)).quantize(
                    Decimal("1e-12"), rounding=ROUND_HALF_EVEN
                )
            self.move(market.settle, direction * closed * price - released)
            entry -= released
            change += direction * closed
            net -= direction * closed
        self.net[market.id] = net + change
        self.entry[market.id] = entry + change * price

    def move(self, asset: Asset, quantity: Decimal) -> None:
        self.venue[asset] = self.venue.get(asset, Decimal(0)) + quantity


def exact(numbers: list[Decimal]) -> Fraction:
    return sum((Fraction(number) for number in numbers), Fraction(0))


def value_of(transactions: list[Transaction], *accounts: Account) -> Fraction:
    return exact(
        [p.value for t in transactions for p in t.postings if not accounts or p.account in accounts]
    )


@settings(max_examples=150, deadline=None)
@given(actions(SPOT + PERPETUALS))
def test_values_sum_to_zero_and_balances_are_the_venues(sequence: list[Action]) -> None:
    play = Play()
    for action in sequence:
        transaction = play.play(action)
        if transaction is not None:
            assert value_of([transaction]) == 0
        assert play.ledger.balances == play.venue
        for asset in play.venue:
            lots = [lot for lot in play.ledger.lots if lot.asset == asset]
            spot = exact([lot.quantity for lot in lots if lot.instrument_id == NO_INSTRUMENT])
            assert asset == USDT or spot == Fraction(play.venue[asset])


@settings(max_examples=150, deadline=None)
@given(actions(SPOT + PERPETUALS))
def test_cash_changes_by_net_realised_less_what_went_into_inventory(sequence: list[Action]) -> None:
    play = Play()
    cost_before = exact([lot.cost for lot in play.ledger.state().lots])
    for action in sequence:
        play.play(action)
    result = play.ledger.realised()
    cost_after = exact([lot.cost for lot in play.ledger.state().lots])
    cash = Fraction(play.venue[USDT] - OPENING[USDT])
    assert cash == Fraction(result.net) - (cost_after - cost_before)
    assert -value_of(play.transactions, Account.REALISED) == Fraction(result.gross)
    rows = play.ledger.state().days
    assert exact([row.net for row in rows]) == Fraction(result.net)
    assert exact([play.ledger.net_of_day(day) for day in range(4)]) == Fraction(result.net)


@settings(max_examples=150, deadline=None)
@given(actions(SPOT + PERPETUALS))
def test_slippage_and_fees_are_what_the_fills_say(sequence: list[Action]) -> None:
    play = Play()
    for action in sequence:
        play.play(action)
    for strategy_id in STRATEGIES:
        slippage = fees = Fraction(0)
        for fill, context in play.booked:
            if context.strategy_id != strategy_id:
                continue
            sign = 1 if fill.side is Side.BUY else -1
            rate = 1 if context.instrument.quote == USDT else Fraction(context.quote_rate)
            worse = Fraction(fill.price) - Fraction(context.decision_price)
            slippage += sign * Fraction(fill.quantity) * worse * rate
            fees += Fraction(fill.fee) * Fraction(context.fee_rate)
        result = play.ledger.realised(strategy_id=strategy_id)
        assert abs(Fraction(result.slippage) - slippage) < Fraction(1, 10**10)
        assert abs(Fraction(result.fees) - fees) < Fraction(1, 10**10)


@settings(max_examples=150, deadline=None)
@given(actions((instrument(ETH, USDT), PERPETUAL), ("quote", "rebate")))
def test_once_flat_the_cash_has_changed_by_exactly_the_net_result(sequence: list[Action]) -> None:
    play = Play()
    for action in sequence:
        play.play(action)
    for strategy_id in STRATEGIES:
        for market in (instrument(ETH, USDT), PERPETUAL):
            spot = market.kind is InstrumentKind.SPOT
            lot = play.ledger.lot(strategy_id, ETH) if spot else None
            held = lot if spot else play.ledger.position(strategy_id, market)
            if held is not None:
                side = Side.SELL if held.quantity > 0 else Side.BUY
                part = Decimal(1) if spot else Decimal("0.5")
                play.play(Action(market=market, strategy_id=strategy_id, side=side, part=part))
    assert {lot.asset for lot in play.ledger.lots} == {USDC, BTC, BNB}, "as it was opened"
    assert play.venue[USDT] - OPENING[USDT] == play.ledger.realised().net


@settings(max_examples=100, deadline=None)
@given(actions(SPOT + PERPETUALS), st.integers(0, 25))
def test_a_restored_ledger_goes_on_identically_and_refuses_duplicates(
    sequence: list[Action], cut: int
) -> None:
    play = Play()
    for action in sequence[:cut]:
        play.play(action)
    saved = msgpack.encode(play.ledger.state())
    restored = Ledger.restore(msgpack.decode(saved, type=LedgerState))
    assert restored.state() == play.ledger.state()
    for fill, context in play.booked:
        assert restored.book_fill(fill, context) is None
    before = len(play.booked)
    for action in sequence[cut:]:
        play.play(action)
    later = [restored.book_fill(*booked) for booked in play.booked[before:]]
    assert later == play.transactions[before:]
    assert restored.state() == play.ledger.state()
    assert restored.realised() == play.ledger.realised()


@settings(max_examples=100, deadline=None)
@given(actions((instrument(ETH, USDT), PERPETUAL), ("quote", "rebate")))
def test_strategies_do_not_touch_each_others_results(sequence: list[Action]) -> None:
    together = Play()
    for action in sequence:
        together.play(action)
    for strategy_id in STRATEGIES:
        alone = Ledger(USDT)
        # Cash is shared: what one strategy won may have paid for what the other bought.
        alone.open(OPENING | {USDT: Decimal(10**9)}, RATES, 0)
        for fill, context in together.booked:
            if context.strategy_id == strategy_id:
                alone.book_fill(fill, context)
        assert alone.realised(strategy_id=strategy_id) == together.ledger.realised(
            strategy_id=strategy_id
        )
        assert own_lots(alone, strategy_id) == own_lots(together.ledger, strategy_id)


def own_lots(ledger: Ledger, strategy_id: StrategyId) -> set[str]:
    return {repr(lot) for lot in ledger.lots if lot.strategy_id == strategy_id}


@settings(max_examples=150, deadline=None)
@given(actions(SPOT + PERPETUALS), decimals("0.9", "1.1", 4))
def test_equity_is_opening_plus_realised_plus_unrealised(
    sequence: list[Action], mark: Decimal
) -> None:
    play = Play()
    opening = exact([OPENING[a] * RATES.get(a, Decimal(1)) for a in OPENING])
    for action in sequence:
        play.play(action)
    prices = {USDC: mark, BTC: 50_000 * mark, ETH: 3_000 * mark, BNB: 600 * mark}

    def mark_of(instrument_id: str) -> Decimal:
        return 50_000 * mark if instrument_id == PERPETUAL.id else 3_000 / mark

    equity = play.ledger.equity(prices.get, mark_of)
    unrealised = play.ledger.unrealised(prices.get, mark_of)
    assert equity is not None
    assert unrealised is not None
    expected = opening + Fraction(play.ledger.realised().net) + Fraction(unrealised)
    assert abs(Fraction(equity) - expected) < Fraction(1, 10**20)
    each = [
        play.ledger.unrealised(prices.get, mark_of, strategy_id=owner)
        for owner in (*STRATEGIES, ACCOUNT)
    ]
    assert abs(exact([part for part in each if part is not None]) - Fraction(unrealised)) < (
        Fraction(1, 10**20)
    )
    assert not [lot for lot in play.ledger.lots if lot.strategy_id in STRATEGIES and not lot.cost]
    assert play.ledger.balances == play.venue


@settings(max_examples=50, deadline=None)
@given(st.lists(decimals("-50", "50", 8), max_size=10))
def test_funding_moves_cash_by_what_the_venue_says(amounts: list[Decimal]) -> None:
    ledger = Ledger(USDT)
    ledger.open(OPENING, RATES, 0)
    for number, amount in enumerate(amounts):
        names = {"funding_id": str(number), "instrument_id": PERPETUAL.id, "asset": USDT}
        event = FundingPaid(amount=amount, venue_time_ns=0, received_time_ns=0, **names)
        once, again = (ledger.book_funding(event, STRATEGIES[0], Decimal(1)) for _ in range(2))
        assert once is not None
        assert value_of([once]) == 0
        assert again is None
    assert ledger.balances[USDT] - OPENING[USDT] == sum(amounts, Decimal(0))
    assert ledger.realised().funding == -sum(amounts, Decimal(0))
    assert {lot.strategy_id for lot in ledger.state().lots} == {ACCOUNT}
