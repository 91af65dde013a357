"""A stop and a target as one list at the venue: of what is there to sell."""

from decimal import Decimal

from tests.contract.live_rigs import SpotRig

D = Decimal


def test_a_pair_protects_what_the_fee_has_left() -> None:
    rig = SpotRig(balances={"USDT": "1000"})
    rig.connect()
    rig.buy("market", "0.01")
    rig.settle()
    stop = rig.stop("0.01", 19_000, oco_group="t-1")
    target = rig.target("0.01", 21_000, oco_group="t-1")
    rig.until(lambda: rig.story(target) == rig.story(stop) == ["accepted"])
    standing = rig.engine.open_orders(rig.key.account)
    assert [order.quantity for order in standing] == [D("0.00999"), D("0.00999")]
    rig.close()
