"""A transaction in the making: it sees the books as they would be; taking it makes them so."""

from decimal import Decimal

from tradewinds.ledger.lots import NO_INSTRUMENT, Holdings, LotKey, on_grid, share
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.ids import ACCOUNT, Asset, InstrumentId, StrategyId
from tradewinds.model.ledger import Account, Lot, Posting, Transaction

CASH, INVENTORY, REALISED = Account.CASH, Account.INVENTORY, Account.REALISED


class Draft:
    """Postings for one owner. What is given leaves at cost, what is received enters at its worth;
    the differences gather as realised gain. Used under a context of DIGITS digits.

    `may_owe`: the venue may take more cash than there is (a perpetual's loss, funding).
    """

    __slots__ = (
        "_gain",
        "_holdings",
        "_lots",
        "_moved",
        "_postings",
        "instrument",
        "may_owe",
        "owner",
    )

    def __init__(
        self, holdings: Holdings, owner: StrategyId, instrument: InstrumentId, *, may_owe: bool
    ) -> None:
        self._holdings = holdings
        self._lots: dict[LotKey, Lot] = {}
        self._moved: dict[Asset, Decimal] = {}
        self._postings: list[Posting] = []
        self._gain = ZERO
        self.owner = owner
        self.instrument = instrument
        self.may_owe = may_owe

    def worth(self, asset: Asset, quantity: Decimal, rate: Decimal) -> Decimal:
        """In account currency. Cash is worth exactly itself, whatever rate is given."""
        if asset == self._holdings.currency:
            return quantity
        return on_grid(quantity * rate)

    def rate(self, asset: Asset, rate: Decimal) -> Decimal:
        """Account currency per `asset`: one for the account currency itself."""
        return ONE if asset == self._holdings.currency else rate

    def lot(self, key: LotKey) -> Lot:
        """As it would be after what was drafted so far; an empty one where nothing is held."""
        return (
            self._lots.get(key)
            or self._holdings.lots.get(key)
            or Lot(strategy_id=key[0], asset=key[1], instrument_id=key[2], quantity=ZERO, cost=ZERO)
        )

    def net_position(self) -> Decimal:
        """What the venue holds for us in the instrument, before this transaction."""
        return self._holdings.perpetual(self.instrument)[0]

    def receive(self, asset: Asset, quantity: Decimal, worth: Decimal) -> None:
        """`quantity` arrives; inventory is booked at `worth`."""
        if asset == self._holdings.currency:
            self._move(CASH, asset, quantity, quantity)
            self._gain += quantity - worth
        else:
            self._change((self.owner, asset, NO_INSTRUMENT), quantity, worth)
            self._move(INVENTORY, asset, quantity, worth)

    def give(self, asset: Asset, quantity: Decimal, worth: Decimal) -> None:
        """`quantity` leaves for something of that `worth`. InvariantBroken when it is not there."""
        if asset == self._holdings.currency:
            self._move(CASH, asset, -quantity, -quantity)
            self._gain += worth - quantity
        else:
            cost = self._release(asset, quantity)
            self._move(INVENTORY, asset, -quantity, -cost)
            self._gain += worth - cost

    def change_position(
        self, owner: StrategyId, asset: Asset, change: tuple[Decimal, Decimal]
    ) -> None:
        """Change a perpetual's lot by (quantity, cost). No asset moves at the venue."""
        quantity, cost = change
        self._change((owner, asset, self.instrument), quantity, cost)
        if cost:
            self._post(INVENTORY, asset, ZERO, cost, owner)

    def expense(self, account: Account, value: Decimal) -> None:
        """A cost, or with a negative value a gain on that account."""
        if value:
            self._post(account, self._holdings.currency, ZERO, value, self.owner)

    def realise(self, gain: Decimal) -> None:
        """Add to what this transaction realises."""
        self._gain += gain

    def finish(self, transaction_id: str, kind: str, time_ns: int) -> Transaction:
        """The transaction. InvariantBroken when it does not sum to zero or overdraws the cash."""
        self._check_cash()
        self.expense(REALISED, -self._gain)
        left = sum([posting.value for posting in self._postings], ZERO)
        if left != ZERO:
            raise InvariantBroken(f"transaction {transaction_id} sums to {left}, not zero")
        return Transaction(
            transaction_id=transaction_id,
            kind=kind,
            time_ns=time_ns,
            postings=tuple(self._postings),
        )

    def take(self) -> None:
        """Make it so."""
        for key, lot in self._lots.items():
            self._holdings.put(key, lot)
        for asset, quantity in self._moved.items():
            self._holdings.move(asset, quantity)

    def pass_on(
        self, asset: Asset, quantity: Decimal, between: tuple[StrategyId, StrategyId], cost: Decimal
    ) -> Decimal:
        """Inventory from one owner's lot into another's, where it is held at `cost`; nothing moves
        at the venue. The cost it left at. InvariantBroken where the first has less."""
        source, target = between
        lot = self.lot((source, asset, NO_INSTRUMENT))
        if quantity > lot.quantity:
            raise InvariantBroken(f"{source} has {lot.quantity} {asset}, not {quantity}")
        released = share(lot.cost, quantity, lot.quantity)
        self._change((source, asset, NO_INSTRUMENT), -quantity, -released)
        self._post(Account.INVENTORY, asset, -quantity, -released, source)
        self._change((target, asset, NO_INSTRUMENT), quantity, cost)
        self._post(Account.INVENTORY, asset, quantity, cost, target)
        return released

    def _release(self, asset: Asset, quantity: Decimal) -> Decimal:
        """Take from the owner's lot, topped up from others'; returns the cost released."""
        key = (self.owner, asset, NO_INSTRUMENT)
        lot = self.lot(key)
        missing = quantity - lot.quantity
        if missing > ZERO:
            self._transfer(asset, missing)
            lot = self.lot(key)
        cost = share(lot.cost, quantity, lot.quantity)
        self._put(key, lot.quantity - quantity, lot.cost - cost)
        return cost

    def _transfer(self, asset: Asset, quantity: Decimal) -> None:
        """From the account first, then from other strategies: the venue keeps one balance, and a
        sale's report can overtake that of the purchase, whose coins then pay back."""
        missing = quantity
        for source in self._other_owners(asset):
            lot = self.lot(source)
            part = min(missing, lot.quantity)
            if part <= ZERO:
                continue
            missing -= part
            cost = share(lot.cost, part, lot.quantity)
            self._change(source, -part, -cost)
            self._post(INVENTORY, asset, -part, -cost, source[0])
            self._change((self.owner, asset, NO_INSTRUMENT), part, cost)
            self._post(INVENTORY, asset, part, cost, self.owner)
        if missing > ZERO:
            raise InvariantBroken(
                f"{self.owner} in {self.instrument} is short of {missing} {asset}: "
                "reconcile with the venue"
            )

    def _other_owners(self, asset: Asset) -> list[LotKey]:
        keys = {key for key in self._holdings.lots if key[1:] == (asset, NO_INSTRUMENT)}
        others = sorted(key for key in keys if key[0] != self.owner)
        return sorted(others, key=lambda key: key[0] != ACCOUNT)

    def _check_cash(self) -> None:
        """A fill that brings cash in is welcome even when less than nothing was there."""
        asset = self._holdings.currency
        moved = self._moved.get(asset, ZERO)
        left = self._holdings.balances.get(asset, ZERO) + moved
        if moved < ZERO and left < ZERO and not self.may_owe:
            raise InvariantBroken(
                f"{self.owner} in {self.instrument} pays {-moved} {asset} and would leave {left}: "
                "reconcile with the venue"
            )

    def _change(self, key: LotKey, quantity: Decimal, cost: Decimal) -> None:
        lot = self.lot(key)
        self._put(key, lot.quantity + quantity, lot.cost + cost)

    def _put(self, key: LotKey, quantity: Decimal, cost: Decimal) -> None:
        self._lots[key] = Lot(
            strategy_id=key[0], asset=key[1], instrument_id=key[2], quantity=quantity, cost=cost
        )

    def _move(self, account: Account, asset: Asset, quantity: Decimal, value: Decimal) -> None:
        self._moved[asset] = self._moved.get(asset, ZERO) + quantity
        self._post(account, asset, quantity, value, self.owner)

    def _post(
        self, account: Account, asset: Asset, quantity: Decimal, value: Decimal, owner: StrategyId
    ) -> None:
        self._postings.append(
            Posting(
                account=account,
                asset=asset,
                quantity=quantity,
                value=value,
                strategy_id=owner,
                instrument_id=self.instrument,
            )
        )
