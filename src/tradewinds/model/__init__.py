"""The nouns: immutable values that every other package speaks in.

In: nothing but the standard library and msgspec.
Out: frozen structs, ids, money rounding, errors, events and commands.
Never: I/O, clocks, randomness, or knowledge of any other package.
"""
