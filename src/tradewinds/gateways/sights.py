"""Whether what several wallets held was there at one moment. Money on its way from one to another
is found in both, or in neither, by who looks at them one after the other."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.gateways.state_reader import Glance
from tradewinds.model.ids import Asset


class Sight(Struct, frozen=True, kw_only=True):
    """The same from `since_ns` to `until_ns`; after one look alone the two are the wrong way round:
    it was so at some moment between them."""

    totals: dict[Asset, Decimal]
    since_ns: int
    until_ns: int


class Sights:
    """Of each wallet, by name. What left and came back between two looks is not seen."""

    def __init__(self) -> None:
        self._by_name: dict[str, Sight] = {}

    def note(self, name: str, glance: Glance) -> None:
        """A look at one."""
        totals = {asset: amount for asset, amount in glance.wallet.totals.items() if amount}
        known = self._by_name.get(name)
        if known is None or known.totals != totals:
            first = Sight(totals=totals, since_ns=glance.answered_ns, until_ns=glance.asked_ns)
            self._by_name[name] = first
        else:
            until_ns = max(known.until_ns, glance.asked_ns)
            self._by_name[name] = replace(known, until_ns=until_ns)

    def at_once(self, names: Iterable[str]) -> bool:
        """Whether all of them held what is known of them at one and the same moment."""
        found = [self._by_name.get(name) for name in names]
        seen = [sight for sight in found if sight is not None]
        if len(seen) < len(found):
            return False
        return max(sight.since_ns for sight in seen) <= min(sight.until_ns for sight in seen)
