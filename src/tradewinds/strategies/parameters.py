"""A strategy's settings from plain values, checked one by one so that every mistake is named."""

import math
from collections.abc import Mapping
from difflib import get_close_matches

import msgspec
from msgspec import NODEFAULT, Struct, inspect, structs

from tradewinds.model.errors import ConfigError


class Parameter(Struct, frozen=True, kw_only=True):
    """One setting as a person needs to see it. `default` None where one must be given."""

    name: str
    allowed: str
    default: object
    required: bool


def parameters_of(params_type: type[Struct]) -> tuple[Parameter, ...]:
    """Every setting of a strategy's `Params`, in the order it declares them."""
    return tuple(_parameter(field) for field in structs.fields(params_type))


def read_parameters(owner: str, params_type: type[Struct], given: Mapping[str, object]) -> Struct:
    """An instance of `params_type`.

    Raises ConfigError that names every wrong key and value with what is allowed.
    """
    fields = {field.encode_name: field for field in structs.fields(params_type)}
    faults = [_unknown(key, list(fields)) for key in given if key not in fields]
    for name, field in fields.items():
        if name in given and not _fits(field.type, given[name]):
            faults.append(f"{name} = {given[name]!r}: allowed is {_allowed(field.type)}")
        elif name not in given and _parameter(field).required:
            faults.append(f"{name} is missing: allowed is {_allowed(field.type)}")
    if faults:
        raise _config_error(owner, faults)
    try:
        return msgspec.convert(dict(given), params_type, strict=True)
    except msgspec.ValidationError as error:  # a rule between two settings, from __post_init__
        raise _config_error(owner, [str(error)]) from error


def _config_error(owner: str, faults: list[str]) -> ConfigError:
    count = "a setting is" if len(faults) == 1 else f"{len(faults)} settings are"
    return ConfigError("\n  ".join([f"strategy {owner!r}: {count} wrong", *faults]))


def _parameter(field: structs.FieldInfo) -> Parameter:
    default = field.default
    if default is NODEFAULT and field.default_factory is not NODEFAULT:
        default = field.default_factory()
    return Parameter(
        name=field.encode_name,
        allowed=_allowed(field.type),
        default=None if default is NODEFAULT else default,
        required=default is NODEFAULT,
    )


def _unknown(key: str, known: list[str]) -> str:
    near = get_close_matches(str(key), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{key}: no such setting; {hint}known are {', '.join(known) or 'none'}"


def _fits(kind: object, value: object) -> bool:
    """NaN and infinities fit nothing: they pass every comparison the wrong way round."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        return False
    return True


def _allowed(kind: object) -> str:
    return _describe(inspect.type_info(kind))


def _describe(info: inspect.Type) -> str:
    match info:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number" + _range(info)
        case inspect.FloatType():
            return "a number" + _range(info)
        case inspect.StrType():
            return "a text" + _shape(info)
        case inspect.LiteralType():
            return "one of " + ", ".join(str(value) for value in info.values)
        case inspect.VarTupleType() | inspect.ListType():
            return f"a list, each {_describe(info.item_type)}"
        case _:
            return type(info).__name__.removesuffix("Type").lower()


def _shape(info: inspect.StrType) -> str:
    like = f" like {info.pattern}" if info.pattern else ""
    if info.max_length is None:
        return like
    return f" of {info.min_length or 0} to {info.max_length} characters{like}"


def _range(info: inspect.IntType | inspect.FloatType) -> str:
    bounds = (("at least", info.ge), ("above", info.gt), ("at most", info.le), ("below", info.lt))
    told = [f"{words} {bound}" for words, bound in bounds if bound is not None]
    return f" {' and '.join(told)}" if told else ""
