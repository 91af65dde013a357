"""D7, the last line: whoever builds the limits, the hard maxima hold."""

from decimal import Decimal
from typing import Any

import pytest

from tradewinds.config import LimitSettings
from tradewinds.model.errors import ConfigError
from tradewinds.risk.limits import RANGES, RiskLimits


def test_every_limit_has_a_range() -> None:
    assert set(RANGES) == set(RiskLimits.__struct_fields__) == set(LimitSettings.model_fields)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", ["-10", "1e9", "NaN", "Infinity", "-Infinity"])
def test_d7_no_limit_outside_its_range_can_be_built(make: Any, name: str, value: str) -> None:
    kind = float if isinstance(getattr(make.limits(), name), float) else Decimal
    with pytest.raises(ConfigError, match=rf"limits\.{name}"):
        make.limits(**{name: kind(value)})


@pytest.mark.parametrize("name", RANGES)
def test_the_hard_maxima_are_what_the_settings_say(make: Any, name: str) -> None:
    field = LimitSettings.model_fields[name]
    bounds = {type(item).__name__: item for item in field.metadata}
    upper = bounds.get("Le") or bounds["Lt"]
    assert Decimal(str(getattr(upper, "le", None) or upper.lt)) == Decimal(RANGES[name][1])
