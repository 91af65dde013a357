"""What no signal may be: the checks that need nothing but the signal itself."""

from math import isfinite
from typing import TypeGuard

from tradewinds.model.signal import BasketSignal, EnterSignal, ExitSignal, Signal, StopSignal


def signal_flaw(signal: Signal) -> str | None:
    """Why a wish cannot be understood; strategies may come from anywhere."""
    match signal:
        case EnterSignal():
            return _enter_flaw(signal)
        case StopSignal():
            return _not_price("stop_price", signal.stop_price)
        case BasketSignal():
            return _basket_flaw(signal)
        case ExitSignal():
            return None


def _enter_flaw(signal: EnterSignal) -> str | None:
    if not _is_number(signal.confidence):
        return f"confidence {signal.confidence} is not a number"
    flaw = _not_price("stop_price", signal.stop_price)
    if flaw is None and signal.target_price is not None:
        flaw = _not_price("target_price", signal.target_price)
    if flaw is None and signal.limit_price is not None:
        flaw = _not_price("limit_price", signal.limit_price)
    return flaw


def _basket_flaw(signal: BasketSignal) -> str | None:
    if not signal.legs:
        return "a basket without legs"
    for leg in signal.legs:
        flaw = _not_price("limit_price", leg.limit_price) or _not_price("size_max", leg.size_max)
        if flaw:
            return flaw
    return _not_price("notional_max", signal.notional_max)


def _not_price(name: str, value: object) -> str | None:
    if _is_number(value) and value > 0.0:
        return None
    return f"{name} {value} is not a positive number"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and isfinite(value)
