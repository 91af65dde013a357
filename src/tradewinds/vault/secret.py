"""Text that shows itself only when asked by name."""

import hmac
from typing import Final, NoReturn

MASK: Final = "****"
TAIL: Final = 4
TAIL_FROM: Final = 16
"""A text shorter than this shows nothing: four characters would be too large a part of it."""


class Secret:
    """Masked wherever Python turns it into text by itself; cannot be pickled, hashed or encoded."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself. Hand it on; do not keep it, log it or put it into a message."""
        return self._value

    @property
    def masked(self) -> str:
        """`****` and the last four characters."""
        return MASK + (self._value[-TAIL:] if len(self._value) >= TAIL_FROM else "")

    def is_same(self, other: "Secret") -> bool:
        """Compared in a time that does not tell where they differ."""
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.is_same(other)

    __hash__ = None  # type: ignore[assignment] # a set or a dict would keep it, and tell

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not written anywhere by itself")


def without(text: str, *secrets: Secret) -> str:
    """`text` with every occurrence of these secrets masked: for words that others wrote."""
    for secret in secrets:
        if secret.reveal():
            text = text.replace(secret.reveal(), MASK)
    return text
