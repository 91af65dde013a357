"""What a strategy holds in mind: every value it can reach, by a path that names it."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from msgspec import Struct

PLAIN: Final = (int, float, str, bool, bytes, type(None))
DEEPEST: Final = 12
MOST: Final = 200_000
ITEMS_MAX: Final = 5_000
"""Of a longer sequence the last ones are looked at: what was learned last."""


def contents(thing: object) -> dict[str, Any]:
    """Path to value of everything plain inside: attributes, slots, keys and places."""
    found: dict[str, Any] = {}
    for path, value in _walk(thing, "", 0, set()):
        found[path] = value
        if len(found) >= MOST:
            break
    return found


def differences(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Paths whose values differ or that only one side has; NaN is the same as NaN."""
    found = {}
    for path in dict.fromkeys((*one, *two)):
        a, b = one.get(path, "absent"), two.get(path, "absent")
        if a != b and not (a != a and b != b):
            found[path] = (a, b)
    return found


def _walk(thing: object, path: str, depth: int, above: set[int]) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, PLAIN):
        yield path, thing
        return
    if depth > DEEPEST or id(thing) in above:
        return
    above = above | {id(thing)}
    for name, inner in _parts(thing):
        yield from _walk(inner, path + name, depth + 1, above)


def _parts(thing: object) -> Iterator[tuple[str, object]]:
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            yield f"[{key!r}]", value
    elif isinstance(thing, AbstractSet):
        yield ".sorted", ", ".join(sorted(map(str, thing)))
    elif isinstance(thing, Sequence | deque):
        yield ".length", len(thing)
        first = max(0, len(thing) - ITEMS_MAX)
        for index in range(first, len(thing)):
            yield f"[{index}]", thing[index]
    elif hasattr(thing, "tolist"):
        yield "", thing.tolist()
    else:
        yield from _attributes(thing)


def _attributes(thing: object) -> Iterator[tuple[str, object]]:
    if isinstance(thing, Struct):
        names: Sequence[str] = thing.__struct_fields__
    else:
        slots = [name for kind in type(thing).__mro__ for name in _slots(kind)]
        names = [*getattr(thing, "__dict__", {}), *slots]
    for name in dict.fromkeys(names):
        value = getattr(thing, name, None)
        if not callable(value):
            yield f".{name}", value


def _slots(kind: type) -> Sequence[str]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
