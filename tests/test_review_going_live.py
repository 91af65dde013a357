"""Neither a setting nor doing nothing stretches what was confirmed, or what counts as proof."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.test_going_live import DAY, NOW, case, checkup, confirmed, proof, settings, trade
from tradewinds import going_live
from tradewinds.clearance import NotCleared
from tradewinds.config import AccountSettings, LiveSection, load
from tradewinds.model.errors import ConfigError
from tradewinds.risk.limits import RiskLimits

UNASKED = "confirmed in writing"


def test_the_word_is_for_one_currency() -> None:
    """Ten bitcoin are not ten dollars."""
    asked = settings().model_copy(update={"account": AccountSettings(name="main", currency="BTC")})
    with pytest.raises(NotCleared, match=UNASKED):
        going_live.live_terms(case(checkup(), proof(), confirmed(), settings=asked), Path(), ())


def test_every_limit_is_guarded_in_one_direction() -> None:
    guarded = {*going_live.MORE_IS_RISKIER, *going_live.LESS_IS_RISKIER}
    assert set(RiskLimits.__struct_fields__) <= guarded


@pytest.mark.parametrize("looser", [{"canary_trades": 29}, {"canary_days": 6}])
def test_a_shorter_canary_is_asked_about(looser: dict[str, int]) -> None:
    asked = settings().model_copy(update={"live": LiveSection(**looser)})
    with pytest.raises(NotCleared, match=UNASKED):
        going_live.live_terms(case(checkup(), proof(), confirmed(), settings=asked), Path(), ())


def test_round_trips_that_never_held_anything_prove_nothing() -> None:
    """An entry that expires unfilled closes its record as well, with a result of nil."""
    empty = [
        msgspec.structs.replace(trade(n, day=9, realised="0"), entry_quantity=Decimal(0))
        for n in range(200)
    ]
    found = going_live.canary(proof(time_ns=NOW - 30 * DAY), empty, NOW)
    assert found.trades == 0
    assert not going_live.grown(found, settings())


@pytest.mark.parametrize("name", ["main-real-binance-spot", "a-testnet", "a-demo-b"])
def test_a_paper_accounts_name_cannot_read_like_a_real_one(name: str) -> None:
    """`main-real-binance-spot` on live prices would be `main` with the key binance-spot:live."""
    with pytest.raises(ConfigError, match=r"account\.name"):
        load(environ={"TRADEWINDS__ACCOUNT__NAME": f'"{name}"', "TRADEWINDS_HOME": "/nowhere"})


def test_a_word_alone_is_no_kind_of_money() -> None:
    found = load(environ={"TRADEWINDS__ACCOUNT__NAME": '"real"', "TRADEWINDS_HOME": "/nowhere"})
    assert found.account.name == "real"
