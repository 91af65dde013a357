"""What is held: balances as the venue has them, and lots that say whose and at what cost."""

from collections.abc import Iterable
from decimal import Decimal, getcontext

from msgspec import Struct

from tradewinds.model.decimals import VALUE_STEP, WIDE, ZERO, round_value
from tradewinds.model.ids import Asset, InstrumentId, StrategyId
from tradewinds.model.ledger import Lot

DIGITS = WIDE.prec
"""Enough for quantity x price x rate and for sums of them without rounding."""

STEP_EXPONENT = int(VALUE_STEP.as_tuple().exponent)
NO_VALUE = ZERO * VALUE_STEP
"""Zero with as many places as the ledger's step: added to a coarser value it brings it there."""

NO_INSTRUMENT = InstrumentId("")
"""Spot inventory belongs to no instrument: BTC is BTC, wherever it was bought."""

SETTLEMENT = StrategyId("venue")
"""Owner of the settle asset that net perpetual positions owe at their entry price."""


class Exact:
    """`with Exact():` counts in DIGITS digits; `localcontext` does too, five times as slowly."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        context = getcontext()
        self._before = context.prec
        context.prec = DIGITS

    def __exit__(self, *_: object) -> None:
        getcontext().prec = self._before


LotKey = tuple[StrategyId, Asset, InstrumentId]


def on_grid(value: Decimal) -> Decimal:
    """To the ledger's step where it is finer; what is coarser keeps its few digits."""
    if (value + NO_VALUE).same_quantum(VALUE_STEP):
        return value
    return value if int(value.as_tuple().exponent) >= STEP_EXPONENT else round_value(value)


def share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`part / whole` of a cost. The whole takes all of it: nothing stays with an empty lot."""
    if part == whole:
        return total
    with Exact():
        return round_value(total * part / whole)


def closing_part(held: Decimal, change: Decimal) -> Decimal:
    """The part of a signed change that brings a signed position nearer to zero."""
    if held * change >= ZERO:
        return ZERO
    return change if abs(change) <= abs(held) else -held


class Settled(Struct, frozen=True, kw_only=True):
    """A fill against a net position at average entry price, as a one-way venue settles it.

    `closed` is the signed quantity that closes, `entry` the entry value it releases, `paid` what
    is paid out (negative: taken), `entry_after` what stays. Values in settle asset.
    """

    closed: Decimal
    entry: Decimal
    paid: Decimal
    entry_after: Decimal


def settle(net: Decimal, entry: Decimal, change: Decimal, price: Decimal) -> Settled:
    """Settle `change` (signed) at `price` against `net` with entry value `entry` (signed alike)."""
    with Exact():
        closed = closing_part(net, change)
        released = share(entry, -closed, net)
        return Settled(
            closed=closed,
            entry=released,
            paid=-closed * price - released,
            entry_after=entry - released + (change - closed) * price,
        )


class Holdings:
    """Balances and lots. Inventory of an asset, summed over its owners, is its balance."""

    __slots__ = ("balances", "currency", "lots", "owes")

    def __init__(self, currency: Asset) -> None:
        self.currency = currency
        self.balances: dict[Asset, Decimal] = {}
        self.lots: dict[LotKey, Lot] = {}
        self.owes = False

    def perpetual(self, instrument_id: InstrumentId) -> tuple[Decimal, Lot | None]:
        """Net signed quantity over all owners, and the settlement lot."""
        net, owed = ZERO, None
        for lot in self.lots.values():
            if lot.instrument_id == instrument_id:
                if lot.strategy_id == SETTLEMENT:
                    owed = lot
                else:
                    net += lot.quantity
        return net, owed

    def settlements(self) -> Iterable[Lot]:
        """One lot for each perpetual ever held; empty where the venue has no net position."""
        if not self.owes:
            return ()
        return [lot for lot in self.lots.values() if lot.strategy_id == SETTLEMENT]

    def put(self, key: LotKey, lot: Lot) -> None:
        """Replace a lot. An empty one is forgotten, but a settlement lot still names its asset."""
        assert lot.quantity or not lot.cost, f"an empty lot keeps a cost: {lot}"
        settling = lot.strategy_id == SETTLEMENT
        if settling:
            self.owes = True
        if lot.quantity or settling:
            self.lots[key] = lot
        else:
            self.lots.pop(key, None)

    def move(self, asset: Asset, quantity: Decimal) -> None:
        """Follow the venue's balance."""
        self.balances[asset] = self.balances.get(asset, ZERO) + quantity
