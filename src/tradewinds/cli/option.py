"""How a field of a verb's arguments appears on the command line. Loads nothing heavy."""

from msgspec import Struct


class Option(Struct, frozen=True, kw_only=True):
    """`name` is the option's spelling where it is not the field's; bounds are inclusive.

    `hidden`: between our own processes, not for people.
    """

    help: str
    name: str = ""
    positional: bool = False
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    hidden: bool = False


class NoArguments(Struct, frozen=True, kw_only=True):
    """For a verb that takes none."""
