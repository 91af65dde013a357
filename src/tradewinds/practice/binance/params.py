"""A request's parameters, read as strictly as Binance reads them."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.binance.refusals import ApiError, missing, superfluous

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
TIFS = frozenset({"GTC", "IOC", "FOK", "GTX", "GTD"})


class Params:
    """`prefix` reads one leg of an order list: `above` turns `stopPrice` into `aboveStopPrice`."""

    def __init__(self, values: Mapping[str, str], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix

    def leg(self, prefix: str) -> "Params":
        """The same request seen from one leg."""
        return Params(self._values, prefix)

    def name(self, name: str) -> str:
        """As the client has to spell it."""
        if not self._prefix:
            return name
        return self._prefix + name[0].upper() + name[1:]

    def text(self, name: str) -> str | None:
        """None where it is absent or empty."""
        return self._values.get(self.name(name)) or None

    def need(self, name: str) -> str:
        """Raises ApiError where it is absent."""
        value = self.text(name)
        if value is None:
            raise missing(self.name(name))
        return value

    def forbid(self, *names: str) -> None:
        """Raises ApiError where one of them is there."""
        for name in names:
            if self.text(name) is not None:
                raise superfluous(self.name(name))

    def decimal(self, name: str) -> Decimal | None:
        """A number without sign or exponent. Raises ApiError."""
        value = self.text(name)
        if value is None:
            return None
        if not NUMBER.fullmatch(value):
            raise ApiError(
                -1100,
                f"Illegal characters found in parameter '{self.name(name)}'; legal range is "
                "'^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
            )
        try:
            return Decimal(value)
        except InvalidOperation as error:
            raise missing(self.name(name)) from error

    def amount(self, name: str) -> Decimal:
        """A number that must be there and more than zero."""
        value = self.decimal(self._must(name))
        if value is None or value <= ZERO:
            raise ApiError(-1013, f"Invalid {self.name(name)}.")
        return value

    def whole(self, name: str) -> int | None:
        """An integer. Raises ApiError."""
        value = self.text(name)
        if value is None:
            return None
        if not value.lstrip("-").isdigit():
            raise ApiError(
                -1100,
                f"Illegal characters found in parameter '{self.name(name)}'; legal range is "
                "'^[0-9]{1,20}$'.",
            )
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """How many rows are wanted."""
        value = self.whole("limit")
        return default if value is None else max(1, min(value, most))

    def names(self, name: str) -> list[str] | None:
        """A JSON list of texts. Raises ApiError."""
        value = self.text(name)
        if value is None:
            return None
        try:
            listed = json.loads(value)
        except ValueError:
            listed = None
        if not isinstance(listed, list):
            raise ApiError(-1100, f"Illegal characters found in parameter '{self.name(name)}'.")
        return [str(one) for one in listed]

    def flag(self, name: str, default: bool = False) -> bool:
        """`true` or `false` in any case."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise ApiError(-1130, f"Data sent for parameter '{self.name(name)}' is not valid.")
        return value.lower() == "true"

    def side(self, name: str = "side") -> Side:
        """BUY or SELL."""
        value = self.need(name)
        if value not in ("BUY", "SELL"):
            raise ApiError(-1117, "Invalid side.")
        return Side.BUY if value == "BUY" else Side.SELL

    def tif(self, *, must: bool) -> str:
        """GTC where it may be left out."""
        value = self.need("timeInForce") if must else self.text("timeInForce") or "GTC"
        if value not in TIFS:
            raise ApiError(-1115, "Invalid timeInForce.")
        return value

    def client_id(self, name: str) -> str:
        """Empty where the venue shall make one up."""
        value = self.text(name)
        if value is not None and not CLIENT_ID.fullmatch(value):
            raise ApiError(
                -1100,
                f"Illegal characters found in parameter '{self.name(name)}'; legal range is "
                "'^[\\.A-Z\\:/a-z0-9_-]{1,36}$'.",
            )
        return value or ""

    def _must(self, name: str) -> str:
        self.need(name)
        return name
