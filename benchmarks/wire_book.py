"""The order book with which the depth stream begins, for every system alike."""

MIDDLE = 100.0
BOOK_LEVELS = 500


def book_side(sign: int) -> list[tuple[float, float]]:
    """Bids (-1) or asks (1), best first; all levels of the deltas lie in it."""
    return [(round(MIDDLE + sign * n / 100, 2), 1.0) for n in range(1, BOOK_LEVELS + 1)]
