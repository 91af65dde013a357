"""Compares an answer with a model of Binance's own client library, field by field."""

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

# What the venue really says, and the library does not list.
EXTRA = frozenset({"isBestMatch", "M"})


def gaps(model: Any, payload: Any, path: str = "") -> Iterator[str]:
    """What is missing, unknown, or of another type."""
    if isinstance(payload, list):
        for row in payload:
            yield from gaps(model, row, f"{path}[]")
        return
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    fields.pop("additional_properties", None)
    for name in fields.keys() - payload.keys():
        yield f"{path}.{name} missing"
    for name, value in payload.items():
        if name not in fields:
            yield f"{path}.{name} unknown"
        elif value is not None:
            yield from mistyped(fields[name].annotation, value, f"{path}.{name}")


def mistyped(annotation: Any, value: Any, path: str) -> Iterator[str]:
    kinds = list(leaves(annotation))
    nested = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    if nested and isinstance(value, dict | list):
        if len(nested) == 1 and "oneof_schema_1_validator" not in nested[0].model_fields:
            yield from gaps(nested[0], value, path)
        return
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        flat = row if isinstance(row, list) else [row]
        for item in flat:
            if not any(fits(kind, item) for kind in kinds):
                yield f"{path} is {type(item).__name__}, not {kinds}"


def leaves(annotation: Any) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from leaves(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType, list):
        for inner in typing.get_args(annotation):
            yield from leaves(inner)
    elif annotation is not type(None):
        yield annotation


def fits(kind: Any, value: Any) -> bool:
    if kind is Any or value is None:
        return True
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def check(model: Any, payload: Any, *without: frozenset[str]) -> None:
    assert payload not in ([], {}, None), model.__name__
    allowed = frozenset().union(*without) | EXTRA
    wrong = [gap for gap in gaps(model, payload) if gap.split(".")[-1].split()[0] not in allowed]
    assert not wrong, f"{model.__name__}: {sorted(set(wrong))}"
