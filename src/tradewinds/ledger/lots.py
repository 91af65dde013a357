"""What is held: balances as the venue has them, and lots that say whose and at what cost."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from msgspec import Struct

from tradewinds.model.decimals import VALUE_STEP, ZERO, round_value
from tradewinds.model.ids import Asset, InstrumentId, StrategyId
from tradewinds.model.ledger import Lot

DIGITS = 60
"""Enough for quantity x price x rate and for sums of them without rounding."""

STEP_EXPONENT = int(VALUE_STEP.as_tuple().exponent)

NO_INSTRUMENT = InstrumentId("")
"""Spot inventory belongs to no instrument: BTC is BTC, wherever it was bought."""

SETTLEMENT = StrategyId("venue")
"""Owner of the settle asset that net perpetual positions owe at their entry price."""

LotKey = tuple[StrategyId, Asset, InstrumentId]


def on_grid(value: Decimal) -> Decimal:
    """To the ledger's step where it is finer; what is coarser keeps its few digits."""
    return value if int(value.as_tuple().exponent) >= STEP_EXPONENT else round_value(value)


def share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`part / whole` of a cost. The whole takes all of it: nothing stays with an empty lot."""
    if part == whole:
        return total
    with localcontext(prec=DIGITS):
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
    with localcontext(prec=DIGITS):
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

    __slots__ = ("balances", "currency", "lots")

    def __init__(self, currency: Asset) -> None:
        self.currency = currency
        self.balances: dict[Asset, Decimal] = {}
        self.lots: dict[LotKey, Lot] = {}

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
        return (lot for lot in self.lots.values() if lot.strategy_id == SETTLEMENT)

    def put(self, key: LotKey, lot: Lot) -> None:
        """Replace a lot. An empty one is forgotten, but a settlement lot still names its asset."""
        assert lot.quantity or not lot.cost, f"an empty lot keeps a cost: {lot}"
        if lot.quantity or lot.strategy_id == SETTLEMENT:
            self.lots[key] = lot
        else:
            self.lots.pop(key, None)

    def move(self, asset: Asset, quantity: Decimal) -> None:
        """Follow the venue's balance."""
        self.balances[asset] = self.balances.get(asset, ZERO) + quantity
