"""The natural logarithm from basic operations, so that every platform answers the same bits."""

from math import frexp

_LN2_HIGH = 0.6931471803691238
_LN2_LOW = 1.9082149292705877e-10
_ROOT_HALF = 0.7071067811865476
_WEIGHTS = tuple(1.0 / odd for odd in (21, 19, 17, 15, 13, 11, 9, 7, 5, 3))


def ln(x: float) -> float:
    """ln(x) of a positive, normal, finite number, within 2 units in the last place.

    x = m 2^k with m between the roots of 1/2 and 2, and ln m = 2 atanh((m - 1) / (m + 1)), whose
    series is short because the argument is below 0.172.
    """
    m, k = frexp(x)
    if m < _ROOT_HALF:
        m *= 2.0
        k -= 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    tail = 1.0 / 23.0
    for weight in _WEIGHTS:
        tail = tail * z + weight
    rest = 2.0 * s * (z * tail) + k * _LN2_LOW
    return (rest + 2.0 * s) + k * _LN2_HIGH
